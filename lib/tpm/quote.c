/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Appraisal of TPM quotes. */

#include "lib/tpm/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/hex.h"
#include "lib/base/macro.h"

enum { HEX_MAX = 2 * TPM_NAME_MAX + 1, PCRS_TEXT = 128 };

static const char *hex(Bytes b, char ret[HEX_MAX]) {
        return hex_encode(b.data, MIN(b.size, (size_t) TPM_NAME_MAX), ret);
}

/* "0-9 13": a set of PCRs for people. */
static const char *pcrs_text(PcrSet pcrs, char ret[PCRS_TEXT]) {
        char *p = ret;

        *p = '\0';
        for (unsigned i = 0, last; i < PCR_COUNT; i = last + 1) {
                last = i;
                if (!(pcrs & 1U << i))
                        continue;
                while (last + 1 < PCR_COUNT && pcrs & 1U << (last + 1))
                        last++;
                p += sprintf(p, last > i ? "%s%u-%u" : "%s%u", p > ret ? " " : "", i, last);
        }
        return ret;
}

static int judge_signature(const QuoteEvidence *e, const Attest *attest, HashAlg *ret_hash, CheckList *checks) {
        static const char name[] = "quote-signature";
        uint16_t scheme = e->scheme;
        HashAlg hash = e->scheme_hash;
        TpmSignature signature;
        const char *why;
        char kind[16];
        int r = tpm_signature_parse(e->signature.data, e->signature.size, e->key, &signature, &why);

        if (r == -EINVAL) {
                check_add(checks, name, CHECK_FAIL, "%s", why);
                return 0;
        }
        if (r < 0)
                return r;
        if (scheme == TPM_ID_NULL)
                scheme = signature.scheme;
        if (hash == _HASH_INVALID)
                hash = signature.hash;
        for (HashAlg alg = 0; hash == _HASH_INVALID && alg < _HASH_MAX; alg++)
                if (hash_size(alg) == attest->digest.size)
                        hash = alg;
        if (hash == _HASH_INVALID)
                check_add(checks, name, CHECK_FAIL,
                          "the signature does not say its hash, and the PCR digest has no size "
                          "of one");
        else if ((signature.scheme != TPM_ID_NULL && signature.scheme != scheme) ||
                 (signature.hash != _HASH_INVALID && signature.hash != hash))
                check_add(checks, name, CHECK_FAIL, "the signature says %s with %s, the key %s with %s",
                          tpm_scheme_name(signature.scheme), hash_name(signature.hash), tpm_scheme_name(scheme),
                          hash_name(hash));
        else if (hash == HASH_SHA1)
                check_add(checks, name, CHECK_FAIL, "signatures over SHA-1 digests prove nothing any more");
        else {
                r = tpm_signature_verify(&signature, e->key, scheme, hash, e->quote.data, e->quote.size, &scheme);
                if (r < 0)
                        return r;
                check_add(checks, name, r > 0 ? CHECK_PASS : CHECK_FAIL,
                          r > 0 ? "%s, %s with %s" : "not signed by this key (%s, %s with %s)",
                          tpm_key_kind(e->key, kind), tpm_scheme_name(scheme), hash_name(hash));
                *ret_hash = hash;
        }
        return 0;
}

static void judge_nonce(const QuoteEvidence *e, const Attest *attest, CheckList *checks) {
        static const char name[] = "quote-nonce";
        char quoted[HEX_MAX], wanted[HEX_MAX];

        hex(attest->extra, quoted);
        if (e->nonce.size == 0)
                check_add(checks, name, CHECK_NA, "no nonce was given to compare with; the quote has \"%s\"", quoted);
        else if (e->nonce.size == attest->extra.size && memcmp(e->nonce.data, attest->extra.data, e->nonce.size) == 0)
                check_add(checks, name, CHECK_PASS, "%s", quoted);
        else
                check_add(checks, name, CHECK_FAIL, "the quote has \"%s\", expected was \"%s\"", quoted,
                          hex(e->nonce, wanted));
}

/* What is wrong with a selection on its own, in every case. */
static const char *selection_mistake(const Attest *attest) {
        BankSet seen = 0;
        PcrSet any = 0;

        for (size_t i = 0; i < attest->n_selections; i++) {
                const TpmSelection *s = &attest->selections[i];

                if (s->pcrs >> PCR_COUNT != 0)
                        return "PCRs above 23 are selected, which no PC client has";
                if (s->alg == _HASH_INVALID && s->pcrs != 0)
                        return "a bank is selected whose algorithm is not known here";
                if (s->alg != _HASH_INVALID && seen & bank(s->alg))
                        return "a bank is selected twice";
                if (s->alg != _HASH_INVALID)
                        seen |= bank(s->alg);
                any |= s->pcrs;
        }
        return any != 0 ? NULL : "the quote selects no PCR, so it says nothing of any";
}

static PcrSet selected(const Attest *attest, HashAlg alg) {
        for (size_t i = 0; i < attest->n_selections; i++)
                if (attest->selections[i].alg == alg)
                        return attest->selections[i].pcrs;
        return 0;
}

static void judge_selection(const QuoteEvidence *e, const Attest *attest, CheckList *checks) {
        static const char name[] = "quote-selection";
        const char *mistake = selection_mistake(attest);
        bool strong = false;
        char all[_HASH_MAX * (PCRS_TEXT + 8)] = "", *p = all, text[PCRS_TEXT];

        if (mistake) {
                check_add(checks, name, CHECK_FAIL, "%s", mistake);
                return;
        }
        for (HashAlg alg = 0; alg < _HASH_MAX; alg++) {
                PcrSet quoted = selected(attest, alg),
                       given = e->pcrs->banks & bank(alg) ? e->pcrs->files[alg].present : 0;

                if (e->pcrs->banks != 0 && quoted & ~given) {
                        check_add(checks, name, CHECK_FAIL, "quoted in %s, but no value given: PCR %s", hash_name(alg),
                                  pcrs_text(quoted & ~given, text));
                        return;
                }
                if (given & ~quoted) {
                        check_add(checks, name, CHECK_FAIL,
                                  "given in %s, but not quoted, so anything could be claimed "
                                  "of it: PCR %s",
                                  hash_name(alg), pcrs_text(given & ~quoted, text));
                        return;
                }
                if (quoted != 0 && e->required & ~quoted) {
                        check_add(checks, name, CHECK_FAIL, "required, but not quoted in %s: PCR %s", hash_name(alg),
                                  pcrs_text(e->required & ~quoted, text));
                        return;
                }
                strong = strong || (quoted != 0 && alg != HASH_SHA1);
                if (quoted != 0)
                        p += sprintf(p, "%s%s: %s", p > all ? ", " : "", hash_name(alg), pcrs_text(quoted, text));
        }
        if (e->require_strong_bank && !strong) {
                check_add(checks, name, CHECK_FAIL, "no bank is quoted that is stronger than SHA-1");
                return;
        }
        check_add(checks, name, e->pcrs->banks != 0 || e->required != 0 ? CHECK_PASS : CHECK_NA,
                  e->pcrs->banks != 0 || e->required != 0 ? "PCR of %s" : "nothing was asked for; quoted is PCR of %s",
                  all);
}

static int judge_digest(const QuoteEvidence *e, const Attest *attest, HashAlg hash, CheckList *checks) {
        static const char name[] = "pcr-digest";
        char quoted[HEX_MAX], computed[2 * DIGEST_MAX + 1];
        Digest d;
        int r;

        hex(attest->digest, quoted);
        if (hash == _HASH_INVALID || hash_size(hash) != attest->digest.size) {
                check_add(checks, name, hash == _HASH_INVALID ? CHECK_NA : CHECK_FAIL, "%s",
                          hash == _HASH_INVALID ? "which hash made it is not known without a valid signature"
                                                : "it is not of the hash that the key signs with");
                return 0;
        }
        if (e->pcrs->banks == 0) {
                check_add(checks, name, CHECK_NA, "no PCR values were given; the quote has %s", quoted);
                return 0;
        }
        r = attest_pcr_digest(attest, e->pcrs, hash, &d);
        if (r == -ENODATA)
                check_add(checks, name, CHECK_FAIL, "values of quoted PCRs are missing");
        else if (r < 0)
                return r;
        else if (memcmp(d.bytes, attest->digest.data, hash_size(hash)) == 0)
                check_add(checks, name, CHECK_PASS, "the values given are the quoted ones: %s", quoted);
        else
                check_add(checks, name, CHECK_FAIL, "the values given make %s, the quote has %s",
                          digest_hex(&d, computed), quoted);
        return 0;
}

static void judge_clock(const Attest *attest, CheckList *checks) {
        check_add(checks, "quote-clock", attest->safe ? CHECK_PASS : CHECK_NA,
                  "%" PRIu64 ".%03u s, reset %" PRIu32 " times, restarted %" PRIu32 " times since%s",
                  attest->clock / 1000, (unsigned) (attest->clock % 1000), attest->resets, attest->restarts,
                  attest->safe ? "" : "; after an unclean stop this clock may have been shown before");
}

static int judge_all(const QuoteEvidence *e, const Attest *attest, CheckList *checks) {
        HashAlg hash = _HASH_INVALID;
        int r = judge_signature(e, attest, &hash, checks);

        if (r < 0)
                return r;
        judge_nonce(e, attest, checks);
        judge_selection(e, attest, checks);
        r = judge_digest(e, attest, hash, checks);
        if (r < 0)
                return r;
        judge_clock(attest, checks);
        return 0;
}

int quote_appraise(const QuoteEvidence *evidence, CheckList *checks, Attest *ret) {
        static const char *const others[] = { "quote-signature", "quote-nonce", "quote-selection", "pcr-digest",
                                              "quote-clock" };
        const char *why;
        size_t offset;

        *ret = (Attest){};
        if (attest_parse(evidence->quote.data, evidence->quote.size, ret, &offset, &why) < 0) {
                check_add(checks, "quote-structure", CHECK_FAIL, "at byte %zu: %s", offset, why);
                for (size_t i = 0; i < ELEMENTSOF(others); i++)
                        check_add(checks, others[i], CHECK_NA, "there is no quote");
                return 0;
        }
        check_add(checks, "quote-structure", CHECK_PASS, "%zu bytes, firmware %016" PRIx64, evidence->quote.size,
                  ret->firmware);
        return judge_all(evidence, ret, checks);
}

static bool is_signer(const Attest *attest, const TpmName *name) {
        return attest->signer.size == name->size && memcmp(attest->signer.data, name->bytes, name->size) == 0;
}

int quote_appraise_signer(const Attest *attest, HashAlg name_alg, const TpmName *name, bool any_hierarchy,
                          CheckList *checks) {
        static const struct {
                uint32_t handle;
                const char *name;
        } hierarchies[] = {
                { TPM_HANDLE_ENDORSEMENT, "endorsement" },
                { TPM_HANDLE_OWNER, "owner" },
                { TPM_HANDLE_PLATFORM, "platform" },
                { TPM_HANDLE_NULL, "null" },
        };
        char named[HEX_MAX], signer[HEX_MAX];
        TpmName qualified;

        hex((Bytes){ name->bytes, name->size }, named);
        if (!attest->signer.data || name->size == 0) {
                check_add(checks, "ak-name", CHECK_NA, "there is no %s to compare with %s",
                          attest->signer.data ? "key" : "quote", name->size > 0 ? named : "");
                return 0;
        }
        for (size_t i = 0; i < (any_hierarchy ? ELEMENTSOF(hierarchies) : 1); i++) {
                int r = tpm_qualified_name(hierarchies[i].handle, name_alg, name, &qualified);

                if (r < 0)
                        return r;
                if (is_signer(attest, &qualified)) {
                        check_add(checks, "ak-name", CHECK_PASS, "%s, a primary key of the %s hierarchy", named,
                                  hierarchies[i].name);
                        return 0;
                }
        }
        check_add(
                checks, "ak-name",
                any_hierarchy && attest->signer.size == name->size && memcmp(attest->signer.data, name->bytes, 2) == 0
                        ? CHECK_NA
                        : CHECK_FAIL,
                any_hierarchy ? "%s is no primary key, so the qualified Name %s depends on a parent that is not known"
                              : "the key has the Name %s, but the quote's signer %s is another key",
                named, hex(attest->signer, signer));
        return 0;
}
