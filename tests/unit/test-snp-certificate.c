/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates and lists that are wrong in one way each, all signed by the keys that should. */

#include "tests/pki.h"
#include "tests/snp-case.h"
#include "tests/test.h"

/* What fails when the VEK's own text is wrong. */
static const char vek_fails[] = "signing-key chain";

static SnpCase vcek(SnpProduct p) {
        return snp_case(&pki, 3, p, SNP_VCEK);
}

static SnpCase vlek(void) {
        return snp_case(&pki, 3, SNP_MILAN, SNP_VLEK);
}

static void set(SimCertificate *c, const char *oid, const void *value, size_t n) {
        SimExtension *e = sim_extension(c, oid);

        assert_non_null(e);
        memcpy(e->value, value, n);
        e->size = n;
}

static void drop(SimCertificate *c, const char *oid) {
        SimExtension *e = sim_extension(c, oid);

        assert_non_null(e);
        *e = c->extensions[--c->n_extensions];
}

/* "0201d9" of SPLs and others: numbers that a careless reader would cut, sign or shift. */
static void numbers(void **state _unused_) {
        static const struct {
                const char *hex;
                const char *fails;
        } values[] = {
                { "0201db", vek_fails },                                /* negative */
                { "020200db", "" },                                     /* 219 */
                { "0202db00", vek_fails },                              /* negative and large */
                { "020201db", vek_fails },                              /* 475: 219 in its last byte */
                { "02030000db", vek_fails }, { "02020013", vek_fails }, /* longer than it must be */
                { "0200", vek_fails },       { "0201", vek_fails },     { "02", vek_fails },
                { "020113ff", vek_fails },   { "028101db", vek_fails }, /* BER */
                { "0401db", vek_fails },     { "db", vek_fails },       { "020113", "reported-tcb" },
        };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                SnpCase c = vcek(SNP_MILAN);
                uint8_t value[8];

                from_hex(values[i].hex, strlen(values[i].hex) / 2, value);
                set(&c.vek, SNP_OID_SPL_PREFIX "8", value, strlen(values[i].hex) / 2);
                assert_fails(&c, values[i].fails);
        }
}

static void missing_extensions(void **state _unused_) {
        static const char *const oids[] = {
                SNP_OID_STRUCT_VERSION, SNP_OID_PRODUCT_NAME,   SNP_OID_SPL_PREFIX "1", SNP_OID_SPL_PREFIX "2",
                SNP_OID_SPL_PREFIX "3", SNP_OID_SPL_PREFIX "8", SNP_OID_HWID,
        };
        SnpCase turin, cloud;

        for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++)
                for (size_t i = 0; i < ELEMENTSOF(oids); i++) {
                        SnpCase c = vcek(p);

                        drop(&c.vek, oids[i]);
                        assert_fails(&c, vek_fails);
                }
        turin = vcek(SNP_TURIN);
        drop(&turin.vek, SNP_OID_SPL_PREFIX "9");
        assert_fails(&turin, vek_fails);
        cloud = vlek();
        drop(&cloud.vek, SNP_OID_CSP_ID);
        assert_fails(&cloud, vek_fails);
}

static void doubled_extensions(void **state _unused_) {
        SnpCase c = vcek(SNP_MILAN);
        size_t n = c.vek.n_extensions;

        for (size_t i = 0; i < n; i++) {
                c.vek.extensions[n] = c.vek.extensions[i];
                c.vek.n_extensions = n + 1;
                assert_fails(&c, vek_fails);
        }
}

static void foreign_extensions(void **state _unused_) {
        static const uint8_t zero[] = { 2, 1, 0 }, one[] = { 2, 1, 1 };
        SnpCase c = vcek(SNP_MILAN), cloud = vlek(), turin = vcek(SNP_TURIN);
        uint8_t id[SNP_CHIP_ID_SIZE] = { 1 };

        sim_extension_add(&c.vek, "1.2.3.4.5", one, sizeof(one)); /* of no meaning here */
        assert_fails(&c, "");
        c.vek.extensions[c.vek.n_extensions - 1].critical = true;
        assert_fails(&c, vek_fails);
        c.vek.extensions[c.vek.n_extensions - 1] = (SimExtension){ .oid = SNP_OID_SPL_PREFIX "10", .size = 3 };
        memcpy(c.vek.extensions[c.vek.n_extensions - 1].value, zero, sizeof(zero));
        assert_fails(&c, vek_fails); /* a part that nobody compares */
        c = vcek(SNP_MILAN);
        sim_extension_add(&c.vek, SNP_OID_SPL_PREFIX "9", zero, sizeof(zero));
        assert_fails(&c, vek_fails);
        c = vcek(SNP_MILAN);
        set(&c.vek, SNP_OID_SPL_PREFIX "5", one, sizeof(one));
        assert_fails(&c, vek_fails);
        sim_extension_add(&turin.vek, SNP_OID_SPL_PREFIX "4", zero, sizeof(zero));
        assert_fails(&turin, "");
        sim_extension_add(&cloud.vek, SNP_OID_HWID, id, sizeof(id));
        assert_fails(&cloud, vek_fails);
        c = vcek(SNP_MILAN);
        sim_extension_add(&c.vek, SNP_OID_CSP_ID, "\x16\x01x", 3);
        assert_fails(&c, vek_fails);
        c = vcek(SNP_MILAN);
        c.vek.constraints = "critical,CA:TRUE";
        assert_fails(&c, vek_fails);
}

static void hardware_ids(void **state _unused_) {
        for (SnpProduct p = 0; p < _SNP_PRODUCT_MAX; p++) {
                size_t n = p == SNP_TURIN ? SNP_CHIP_ID_SHORT_SIZE : SNP_CHIP_ID_SIZE;
                SnpCase c = vcek(p);
                uint8_t der[2 + SNP_CHIP_ID_SIZE + 1] = { 0x04, (uint8_t) n };
                uint8_t zeros[SNP_CHIP_ID_SIZE] = {};

                memcpy(der + 2, c.report.chip_id, n);
                set(&c.vek, SNP_OID_HWID, der, n + 2); /* as an OCTET STRING */
                assert_fails(&c, "");
                set(&c.vek, SNP_OID_HWID, der, n + 3);
                assert_fails(&c, vek_fails);
                set(&c.vek, SNP_OID_HWID, der + 2, n - 1);
                assert_fails(&c, vek_fails);
                der[0] = 0x0c;
                set(&c.vek, SNP_OID_HWID, der, n + 2);
                assert_fails(&c, vek_fails);
                set(&c.vek, SNP_OID_HWID, zeros, n);
                assert_fails(&c, vek_fails);
                /* Bare bytes that begin like a tag. */
                c.report.chip_id[0] = 0x04;
                c.report.chip_id[1] = (uint8_t) (n - 2);
                set(&c.vek, SNP_OID_HWID, c.report.chip_id, n);
                assert_fails(&c, "");
                c.report.chip_id[2] ^= 1;
                assert_fails(&c, "chip-id");
        }
}

static void product_names(void **state _unused_) {
        static const struct {
                const char *name;
                const char *fails;
        } names[] = {
                { "Milan-B0", "" },      { "Milan-B1", "" },          { "Milan", "" },
                { "Genoa", vek_fails },  { "Turin", vek_fails },      { "Mila", vek_fails },
                { "MilanX", vek_fails }, { "", vek_fails },           { "-B0", vek_fails },
                { "milan", vek_fails },  { "Milan-\x01", vek_fails },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                SnpCase c = vcek(SNP_MILAN);
                uint8_t value[32] = { 0x16, (uint8_t) strlen(names[i].name) };

                memcpy(value + 2, names[i].name, strlen(names[i].name));
                set(&c.vek, SNP_OID_PRODUCT_NAME, value, 2 + strlen(names[i].name));
                assert_fails(&c, names[i].fails);
        }
        for (int kind = 0; kind < 2; kind++) {
                SnpCase c = vcek(SNP_MILAN);

                set(&c.vek, SNP_OID_PRODUCT_NAME, kind == 0 ? "\x16\x06Milan\0" : "\x0c\x05Milan", 8 - (size_t) kind);
                assert_fails(&c, vek_fails);
        }
}

/* Names decide which key may sign what. */
static void names(void **state _unused_) {
        SnpCase c = vcek(SNP_MILAN);

        c.vek.issuer.role = SNP_ASVK; /* a VCEK from the authority for VLEKs */
        assert_fails(&c, vek_fails);
        c = vcek(SNP_MILAN);
        c.vek.issuer.role = SNP_ARK; /* past the authorities */
        c.vek.signing.key = pki.keys[SNP_ARK];
        assert_fails(&c, vek_fails);
        c = vcek(SNP_MILAN);
        c.vek.issuer.product = SNP_GENOA; /* another hierarchy's, and its name does not fit */
        assert_fails(&c, vek_fails);
        c = vcek(SNP_MILAN);
        c.vek.issuer.simulated = false; /* real above simulated */
        assert_fails(&c, vek_fails);
        c = vcek(SNP_MILAN);
        c.intermediate.issuer.product = SNP_GENOA;
        assert_fails(&c, "chain");
        c = vcek(SNP_MILAN);
        c.intermediate.subject.role = SNP_ASVK;
        assert_fails(&c, "chain");
        c = vcek(SNP_MILAN);
        c.root.issuer.role = SNP_ASK;
        assert_fails(&c, "chain");
}

static void keys_and_signatures(void **state _unused_) {
        static const SimSigning others[] = {
                { NULL, "SHA384", 32 }, { NULL, "SHA256", 32 }, { NULL, "SHA256", 48 },
                { NULL, "SHA512", 48 }, { NULL, "SHA384", -1 }, { NULL, "SHA384", 0 },
        };
        SnpCase c;

        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                SimSigning s = others[i];

                c = vcek(SNP_MILAN);
                s.key = c.vek.signing.key;
                c.vek.signing = s;
                assert_fails(&c, vek_fails);
                c = vcek(SNP_MILAN);
                s.key = c.root.signing.key;
                c.intermediate.signing = s;
                assert_fails(&c, "chain");
                c = vcek(SNP_MILAN);
                c.root.signing = s;
                assert_fails(&c, "chain");
        }
        c = vcek(SNP_MILAN);
        c.vek.signing.key = pki.keys[SNP_ASVK];
        assert_fails(&c, "chain");
        c = vcek(SNP_MILAN);
        c.intermediate.signing.key = pki.keys[SNP_ASK]; /* by itself */
        assert_fails(&c, "chain");
        c = vcek(SNP_MILAN);
        c.root.signing.key = pki.keys[SNP_ASK];
        assert_fails(&c, "chain");
}

static void curves(void **state _unused_) {
        static const struct {
                const char *group, *encoding, *fails;
        } curves[] = {
                { "P-384", "named_curve", "" },
                { "P-384", "explicit", vek_fails },
                { "P-256", "named_curve", vek_fails },
                { "secp521r1", "named_curve", vek_fails },
        };

        for (size_t i = 0; i < ELEMENTSOF(curves); i++) {
                SnpCase c = vcek(SNP_MILAN);

                c.keep_signature = i > 0;
                c.vek.key = sim_curve_key(curves[i].group, curves[i].encoding);
                assert_non_null(c.vek.key);
                if (i > 0)
                        assert_int_equal(sim_report_sign(&c.report, pki.keys[SNP_VCEK]), 0);
                assert_fails(&c, curves[i].fails);
                sim_curve_key_free(c.vek.key);
        }
        for (SnpRole role = SNP_VCEK; role <= SNP_VLEK; role++) { /* an authority on a curve */
                SnpCase c = vcek(SNP_MILAN);

                c.intermediate.key = pki.keys[role];
                assert_fails(&c, "chain");
        }
}

static void authorities(void **state _unused_) {
        static const struct {
                const char *constraints, *usage, *fails;
        } forms[] = {
                { "critical,CA:TRUE,pathlen:0", "critical,keyCertSign", "" },
                { "CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign", "" },
                { "critical,CA:TRUE,pathlen:1", "critical,keyCertSign", "chain" },
                { "critical,CA:TRUE", "critical,keyCertSign", "chain" },
                { "critical,CA:FALSE", "critical,keyCertSign", "chain" },
                { NULL, "critical,keyCertSign", "chain" },
                { "critical,CA:TRUE,pathlen:0", NULL, "chain" },
                { "critical,CA:TRUE,pathlen:0", "critical,digitalSignature", "chain" },
        };
        SnpCase c = vcek(SNP_MILAN);

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                c.intermediate.constraints = forms[i].constraints;
                c.intermediate.usage = forms[i].usage;
                assert_fails(&c, forms[i].fails);
        }
        c = vcek(SNP_MILAN);
        sim_extension_add(&c.intermediate, "1.2.3.4.5", "\x05", 2);
        assert_fails(&c, "");
        sim_extension(&c.intermediate, "1.2.3.4.5")->critical = true;
        assert_fails(&c, "chain");
}

static void times(void **state _unused_) {
        for (int link = 0; link < 3; link++) {
                SnpCase c = vcek(SNP_MILAN);
                SimCertificate *x = link == 0 ? &c.vek : link == 1 ? &c.intermediate : &c.root;

                x->not_before = SIM_TIME;
                x->not_after = SIM_TIME + 10;
                for (int64_t at = SIM_TIME - 1; at <= SIM_TIME + 11; at++) {
                        c.at = at;
                        assert_fails(&c, at >= SIM_TIME && at <= SIM_TIME + 10 ? "" : "certificate-validity");
                }
        }
}

static void roots(void **state _unused_) {
        SnpCase c = vcek(SNP_GENOA);

        c.allow_simulated = false;
        assert_fails(&c, "root");
        /* AMD's names, somebody's keys: with or without leave for simulations. */
        c.vek.subject.simulated = c.vek.issuer.simulated = false;
        c.intermediate.subject.simulated = c.intermediate.issuer.simulated = false;
        c.root.subject.simulated = c.root.issuer.simulated = false;
        assert_fails(&c, "root");
        c.allow_simulated = true;
        assert_fails(&c, "root");
}

/* A second root in the file, AMD's by name: unused, and refused all the same. */
static void foreign_root_beside(void **state _unused_) {
        SnpCase c = vcek(SNP_MILAN);
        _cleanup_(snp_case_files_done) SnpCaseFiles files;
        _cleanup_(check_list_done) CheckList checks = {};
        SimCertificate other = sim_authority(&pki, SNP_ARK, SNP_TURIN);

        snp_case_files(&c, &files);
        other.subject.simulated = other.issuer.simulated = false;
        assert_int_equal(sim_certificate_write(&other, &files.chain), 0);
        snp_case_judge_files(&c, &files, &checks);
        assert_list_fails(&checks, "root");
}

static void judge_chain(SnpCase *c, const SimCertificate *const *chain, size_t n, const char *fails) {
        _cleanup_(snp_case_files_done) SnpCaseFiles files = {};
        _cleanup_(check_list_done) CheckList checks = {};

        assert_int_equal(sim_certificate_write(&c->vek, &files.vek), 0);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(sim_certificate_write(chain[i], &files.chain), 0);
        snp_case_judge_files(c, &files, &checks);
        assert_list_fails(&checks, fails);
}

static void order_and_company(void **state _unused_) {
        SnpCase c = vcek(SNP_MILAN), genoa = vcek(SNP_GENOA);
        SimCertificate asvk = sim_authority(&pki, SNP_ASVK, SNP_MILAN), broken = asvk, second = c.vek;
        const SimCertificate *all[] = { &c.root, &asvk, &genoa.root, &c.intermediate, &genoa.intermediate, &c.root };

        judge_chain(&c, all, ELEMENTSOF(all), "");
        judge_chain(&c, all, 3, "chain");     /* no ASK */
        judge_chain(&c, all + 1, 3, "chain"); /* no root */
        judge_chain(&c, all, 0, "chain");
        broken.signing.key = pki.keys[SNP_ASK]; /* not needed, but it is there, and it is wrong */
        judge_chain(&c, (const SimCertificate *[]){ &c.intermediate, &c.root, &broken }, 3, "chain");
        second.serial = 1;
        judge_chain(&c, (const SimCertificate *[]){ &c.intermediate, &c.root, &second }, 3, "chain");
}

/* Files that hold something else. */
static void files_of_junk(void **state _unused_) {
        static const char *const junk[] = { "x", "0", "\x30\x03\x02\x01\x00", "-----BEGIN CERTIFICATE-----\nMAA=\n",
                                            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n" };
        SnpCase c = vcek(SNP_MILAN);
        _cleanup_(snp_case_files_done) SnpCaseFiles good;

        snp_case_files(&c, &good);
        for (size_t i = 0; i < ELEMENTSOF(junk); i++)
                for (int which = 0; which < 3; which++) {
                        _cleanup_(check_list_done) CheckList checks = {};
                        SnpCaseFiles files = good;
                        Buffer bad = { .data = (uint8_t *) (uintptr_t) junk[i], .size = strlen(junk[i]) };

                        *(which == 0 ? &files.vek : which == 1 ? &files.chain : &files.crl) = bad;
                        snp_case_judge_files(&c, &files, &checks);
                        assert_list_fails(&checks, which == 0 ? vek_fails : which == 1 ? "chain" : "revocation");
                }
}

static void list(const SimCrl *crl, const char *fails) {
        SnpCase c = vcek(SNP_MILAN);

        c.has_crl = true;
        c.crl = *crl;
        assert_fails(&c, fails);
}

static void revocation(void **state _unused_) {
        SnpCase c = vcek(SNP_MILAN);
        SimCrl crl = c.crl;

        c.requirements.require_crl = true;
        assert_fails(&c, "revocation");
        c.has_crl = true;
        assert_fails(&c, "");
        crl.serials[0] = 7;
        crl.serials[1] = 0; /* every VCEK's own number: not this authority's */
        crl.n_serials = 2;
        list(&crl, "");
        crl.serials[1] = c.intermediate.serial;
        list(&crl, "revocation");
        crl.serials[1] = c.root.serial;
        list(&crl, "revocation");
}

static void lists_of_others(void **state _unused_) {
        static const SimExtension unknown = { .oid = "1.2.3.4.5", .value = { 5, 0 }, .size = 2, .critical = true };
        const SimCrl good = sim_crl(&pki, SNP_MILAN);
        SimCrl crl = good;

        crl.issuer.product = SNP_GENOA;
        list(&crl, "revocation");
        crl = good;
        crl.issuer.role = SNP_ASK;
        list(&crl, "revocation");
        crl = good;
        crl.signing.key = pki.keys[SNP_ASK];
        list(&crl, "revocation");
        crl = good;
        crl.signing.salt = -1;
        list(&crl, "revocation");
        crl = good;
        crl.extension = unknown;
        list(&crl, "revocation");
        crl.extension.critical = false;
        list(&crl, "");
        crl = good;
        crl.serials[0] = 7;
        crl.n_serials = 1;
        crl.entry_extension = unknown;
        list(&crl, "revocation");
}

static void times_of_lists(void **state _unused_) {
        SimCrl crl = sim_crl(&pki, SNP_MILAN);

        crl.last_update = SIM_TIME + 1;
        list(&crl, "revocation");
        crl.last_update = SIM_TIME - 10;
        crl.next_update = SIM_TIME - 1;
        list(&crl, "revocation");
        crl.next_update = SIM_TIME;
        list(&crl, "");
        crl.next_update = 0;
        list(&crl, "revocation");
}

static void scopes_of_lists(void **state _unused_) {
        static const struct {
                const char *scope, *fails;
        } scopes[] = {
                { "critical,fullname:URI:simulated:/vcek/v1/Milan/crl", "" },
                { "critical,fullname:URI:simulated:/vlek/v1/Milan/crl", "revocation" },
                { "critical,fullname:URI:simulated:/vcek/v1/Milan/cr", "revocation" },
                { "critical,onlyCA:TRUE", "" },
                { "critical,onlyuser:TRUE", "revocation" },
                { "critical,onlyAA:TRUE", "revocation" },
                { "critical,indirectCRL:TRUE", "revocation" },
                { "critical,onlysomereasons:keyCompromise", "revocation" },
        };

        for (size_t i = 0; i < ELEMENTSOF(scopes); i++) {
                SimCrl crl = sim_crl(&pki, SNP_MILAN);

                crl.scope = scopes[i].scope;
                list(&crl, scopes[i].fails);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(numbers),
                TEST(missing_extensions),
                TEST(doubled_extensions),
                TEST(foreign_extensions),
                TEST(hardware_ids),
                TEST(product_names),
                TEST(names),
                TEST(keys_and_signatures),
                TEST(curves),
                TEST(authorities),
                TEST(times),
                TEST(roots),
                TEST(foreign_root_beside),
                TEST(order_and_company),
                TEST(files_of_junk),
                TEST(revocation),
                TEST(lists_of_others),
                TEST(times_of_lists),
                TEST(scopes_of_lists),
        };

        return RUN_WITH_PKI(tests);
}
