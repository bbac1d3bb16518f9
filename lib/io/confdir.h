/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Configuration files with drop-in directories, as the UAPI configuration files specification has them: a file in a
 * directory of higher precedence replaces the one of the same name further down, and a link to /dev/null (or an empty
 * file) masks it. */

#include <stddef.h>
#include <stdint.h>

/* Directories from the highest precedence to the lowest, ended by NULL. */
typedef const char *const *ConfigDirs;

/* /etc/sealwatch, /run/sealwatch, /usr/lib/sealwatch. */
extern const char *const config_dirs_default[];

/* Calls file() for every file DIR/subdir/NAME with the suffix that is in force, ordered by name. The first negative
 * return, and any error of reading, ends it and is returned; *reterr_path (owned by the caller) then names the file or
 * is NULL. */
int config_each(ConfigDirs dirs, const char *subdir, const char *suffix,
                int (*file)(void *userdata, const char *path, const char *text, size_t n), void *userdata,
                char **reterr_path);

/* The daemon's own configuration: sealwatchd.conf of the highest precedence, then sealwatchd.conf.d/NAME.conf. As
 * config_each(). */
int config_each_daemon_file(ConfigDirs dirs, int (*file)(void *userdata, const char *path, const char *text, size_t n),
                            void *userdata, char **reterr_path);

/* The path of DIR/name with the highest precedence, owned by the caller. -ENOENT: none, or masked. */
int config_find(ConfigDirs dirs, const char *name, char **ret);

/* What policy_load() asks for (policy/load.h, PolicySource); userdata is a ConfigDirs. Relative patterns are looked
 * up in reference.d of the directories. Users come from /etc/passwd alone: name services are plugins that a
 * privileged daemon does not load. */
int config_policies(void *dirs, int (*file)(void *sink, const char *name, const char *text, size_t n), void *sink,
                    char **reterr_path);
int config_reference(void *dirs, const char *pattern,
                     int (*piece)(void *sink, const char *file, const char *text, size_t n), void *sink);
int config_user(void *dirs, const char *name, uint32_t *ret);
