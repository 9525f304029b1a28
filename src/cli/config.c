#include "cli/config.h"

#include "base/buf.h"
#include "base/file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_URL "sqlite:vecfill.db"
#define MAX_FILE_BYTES ((size_t)1 << 20)

/* ---- .env ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

static bool is_key_char(char c, bool first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!first && c >= '0' && c <= '9');
}

static char unescape(char c)
{
    return c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
}

/* Reads the quoted value at *p in place, over several lines if need be, and the rest of its line.
 * False without an end, or with something after it. */
static bool take_quoted(char **p, char **ret)
{
    char *in = *p, quote = *in++, *out = in;
    *ret = in;
    for (; *in != quote; in++) {
        if (*in == '\0')
            return false;
        if (*in == '\\' && quote == '"' && in[1] != '\0' && strchr("nrt\"\\", in[1]))
            *out++ = unescape(*++in);
        else
            *out++ = *in;
    }
    in = skip_blanks(in + 1);
    *out = '\0';
    if (*in == '#')
        in += strcspn(in, "\n");
    *p = in;
    return *in == '\0' || *in == '\n';
}

/* Reads the bare value at *p in place: to the end of the line or a comment, without trailing
 * blanks. */
static void take_bare(char **p, char **ret)
{
    char *line = *p, *end = line, *next = line + strcspn(line, "\n");
    bool more = *next == '\n';
    *next = '\0';
    for (char *q = line; *q != '\0' && !(*q == '#' && (q == line || is_blank(q[-1]))); q++)
        if (!is_blank(*q))
            end = q + 1;
    *end = '\0';
    *ret = line;
    *p = more ? next + 1 : next;
}

/* Reads one line at *p in place and steps behind it. *ret_key is NULL for a line without a
 * setting. False when it is not understood. */
static bool take_setting(char **p, char **ret_key, char **ret_value)
{
    char *key = skip_blanks(*p);
    *ret_key = NULL;
    if (*key == '\0' || *key == '\n' || *key == '#') {
        *p = key + strcspn(key, "\n");
        *p += **p == '\n';
        return true;
    }
    if (strncmp(key, "export", 6) == 0 && is_blank(key[6]))
        key = skip_blanks(key + 6);
    char *key_end = key;
    while (is_key_char(*key_end, key_end == key))
        key_end++;
    *p = skip_blanks(key_end);
    if (key_end == key || **p != '=')
        return false;
    *p = skip_blanks(*p + 1);
    *key_end = '\0';
    *ret_key = key;
    if (**p != '"' && **p != '\'') {
        take_bare(p, ret_value);
        return true;
    }
    if (!take_quoted(p, ret_value))
        return false;
    *p += **p == '\n';
    return true;
}

static int add_setting(
    struct vf_config *config, const char *key, const char *value, struct vf_err *err)
{
    struct vf_setting *grown =
        realloc(config->settings, (config->n + 1) * sizeof *config->settings);
    if (!grown)
        return vf_fail_memory(err, "settings");
    config->settings = grown;
    struct vf_setting *setting = &grown[config->n];
    setting->key = strdup(key);
    setting->value = strdup(value);
    config->n++;
    return setting->key && setting->value ? 0 : vf_fail_memory(err, "settings");
}

static size_t count_lines(const char *begin, const char *end)
{
    size_t n = 0;
    for (const char *p = begin; p < end; p++)
        n += *p == '\n';
    return n;
}

static int parse_file(
    const char *path, const struct vf_buf *text, struct vf_config *config, struct vf_err *err)
{
    /* Settings are cut out of a copy, so that lines can still be counted in the text. */
    char *copy = strdup(text->data);
    if (!copy)
        return vf_fail_memory(err, "settings");
    int rc = 0;
    for (char *p = copy; rc == 0 && *p;) {
        char *begin = p, *key, *value;
        if (!take_setting(&p, &key, &value)) {
            size_t line = 1 + count_lines(text->data, text->data + (begin - copy));
            rc = vf_fail(
                err, VF_ERR_CONFIG, "%s:%zu: not a setting of the form KEY=VALUE", path, line);
            vf_hint(err, "mend the line, or put '#' before it");
        } else if (key) {
            rc = add_setting(config, key, value, err);
        }
    }
    free(copy);
    return rc;
}

int vf_config_load(const char *path, struct vf_config *ret, struct vf_err *err)
{
    struct vf_config config = {0};
    struct vf_buf text = {0};
    struct vf_err reading = {0};
    /* A folder of that name is somebody's virtual environment. */
    int rc = vf_is_directory(path) ? VF_ERR_NOT_FOUND
                                   : vf_read_file(path, MAX_FILE_BYTES, &text, &reading);
    if (rc == VF_ERR_NOT_FOUND)
        rc = 0;
    else if (rc && err)
        *err = reading;
    else if (rc == 0 && text.size > 0)
        rc = parse_file(path, &text, &config, err);
    vf_buf_release(&text);
    if (rc)
        vf_config_release(&config);
    else
        *ret = config;
    return rc;
}

void vf_config_release(struct vf_config *config)
{
    for (size_t i = 0; i < config->n; i++) {
        free(config->settings[i].key);
        free(config->settings[i].value);
    }
    free(config->settings);
    *config = (struct vf_config){0};
}

const char *vf_config_get(const struct vf_config *config, const char *key)
{
    const char *value = getenv(key);
    for (size_t i = config->n; !value && i > 0; i--)
        if (strcmp(config->settings[i - 1].key, key) == 0)
            value = config->settings[i - 1].value;
    return value && value[0] ? value : NULL;
}

/* ---- the database ---- */

static int export_libpq_settings(const struct vf_config *config, struct vf_err *err)
{
    for (size_t i = config->n; i > 0; i--) {
        const struct vf_setting *setting = &config->settings[i - 1];
        if (strncmp(setting->key, "PG", 2) == 0 && setting->value[0] &&
            setenv(setting->key, setting->value, 0))
            return vf_fail_memory(err, "the environment");
    }
    /* Below a service's own limit, which a parameter would override. */
    return setenv("PGCONNECT_TIMEOUT", "10", 0) ? vf_fail_memory(err, "the environment") : 0;
}

/* "key='value' " with quotes and backslashes escaped, as libpq reads it. */
static int append_keyword(
    struct vf_buf *url, const char *key, const char *value, struct vf_err *err)
{
    int rc = vf_buf_printf(url, err, "%s%s='", url->size ? " " : "", key);
    for (const char *p = value; rc == 0 && *p; p++) {
        if (*p == '\'' || *p == '\\')
            rc = vf_buf_append(url, "\\", 1, err);
        if (rc == 0)
            rc = vf_buf_append(url, p, 1, err);
    }
    return rc ? rc : vf_buf_append(url, "'", 1, err);
}

/* The variables of the script that vecfill replaces, with its defaults. Leaves `url` empty when
 * none is set. */
static int compose_historical(
    const struct vf_config *config, struct vf_buf *url, struct vf_err *err)
{
    static const struct {
        const char *variable, *keyword, *fallback;
    } parts[] = {
        {"HISTORICAL_DB_HOST", "host", "localhost"},
        {"HISTORICAL_DB_PORT", "port", "5432"},
        {"HISTORICAL_DB_NAME", "dbname", "prometheus_historical"},
        {"HISTORICAL_DB_USER", "user", "prometheus"},
        {"HISTORICAL_DB_PASSWORD", "password", NULL},
    };
    enum { N_PARTS = sizeof parts / sizeof parts[0] };
    bool any = false;
    for (size_t i = 0; i < N_PARTS; i++)
        any = any || vf_config_get(config, parts[i].variable);
    int rc = 0;
    for (size_t i = 0; any && rc == 0 && i < N_PARTS; i++) {
        const char *value = vf_config_get(config, parts[i].variable);
        if (!value)
            value = parts[i].fallback;
        if (value)
            rc = append_keyword(url, parts[i].keyword, value, err);
    }
    return rc;
}

int vf_config_database(const struct vf_config *config, const char *option, char **ret_url,
    const char **ret_source, struct vf_err *err)
{
    struct vf_buf url = {0};
    const char *source = "--database";
    int rc = 0;
    VF_TRY(export_libpq_settings(config, err));
    if (!option) {
        source = "VECFILL_DATABASE_URL";
        option = vf_config_get(config, source);
    }
    if (option) {
        VF_TRY(vf_buf_append_string(&url, option, err));
    } else {
        source = "HISTORICAL_DB_*";
        VF_TRY(compose_historical(config, &url, err));
    }
    if (url.size == 0) {
        bool is_libpq = vf_config_get(config, "PGHOST") || vf_config_get(config, "PGDATABASE") ||
                        vf_config_get(config, "PGSERVICE");
        source = is_libpq ? "the variables of libpq" : "the default";
        VF_TRY(vf_buf_append_string(&url, is_libpq ? "" : DEFAULT_URL, err));
    }
    char *text = vf_buf_detach(&url);
    if (!text)
        rc = vf_fail_memory(err, "the database's name");
    else
        *ret_url = text, *ret_source = source;
out:
    vf_buf_release(&url);
    return rc;
}
