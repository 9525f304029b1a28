#include "store/sql_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int vf_sql_quote(struct vf_buf *sql, const char *identifier, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_buf_append(sql, "\"", 1, err));
    for (const char *p = identifier; *p; p++) {
        if (*p == '"')
            VF_TRY(vf_buf_append(sql, "\"", 1, err));
        VF_TRY(vf_buf_append(sql, p, 1, err));
    }
    VF_TRY(vf_buf_append(sql, "\"", 1, err));
out:
    return rc;
}

/* Reads one part of a name at *p into `part` and moves *p behind it. False when there is none. */
static bool read_part(const char **p, struct vf_buf *part, struct vf_err *err, int *rc)
{
    const char *s = *p;
    *rc = 0;
    if (*s != '"') {
        size_t n = strcspn(s, ".");
        *p = s + n;
        *rc = vf_buf_append(part, s, n, err);
        return n > 0;
    }
    for (s++; *s && *rc == 0; s++) {
        if (s[0] == '"' && s[1] != '"') {
            *p = s + 1;
            return part->size > 0;
        }
        s += s[0] == '"';
        *rc = vf_buf_append(part, s, 1, err);
    }
    return false;
}

int vf_sql_split_table(const char *name, char **ret_schema, char **ret_table, struct vf_err *err)
{
    struct vf_buf parts[2] = {{0}};
    const char *p = name;
    size_t n = 0;
    int rc = 0;
    bool ok;
    do {
        ok = n < 2 && read_part(&p, &parts[n++], err, &rc);
        if (rc)
            goto out;
    } while (ok && *p++ == '.');
    if (!ok || p[-1] != '\0') {
        rc = vf_fail(err, VF_ERR_USAGE, "'%s' is not the name of a table", name);
        vf_hint(
            err, "write table or schema.table, with double quotes around a name that holds a dot");
        goto out;
    }
    char *table = vf_buf_detach(&parts[n - 1]);
    char *schema = n == 2 ? vf_buf_detach(&parts[0]) : NULL;
    if (!table || (n == 2 && !schema)) {
        free(table);
        free(schema);
        rc = vf_fail_memory(err, "a table's name");
        goto out;
    }
    *ret_schema = schema;
    *ret_table = table;
out:
    vf_buf_release(&parts[0]);
    vf_buf_release(&parts[1]);
    return rc;
}

int vf_sql_expand(struct vf_buf *sql, const char *text, const struct vf_sql_word *words,
    size_t n_words, struct vf_err *err)
{
    int rc;
    for (;;) {
        size_t n = strcspn(text, "{");
        VF_TRY(vf_buf_append(sql, text, n, err));
        if (!text[n])
            break;
        text += n + 1;
        n = strcspn(text, "}");
        size_t i = 0;
        while (i < n_words && (strncmp(words[i].name, text, n) != 0 || words[i].name[n]))
            i++;
        if (i == n_words || !words[i].text)
            return vf_fail(err, VF_ERR_INTERNAL, "no text for {%.*s} in a statement", (int)n, text);
        VF_TRY(vf_buf_append_string(sql, words[i].text, err));
        text += n + (text[n] == '}');
    }
out:
    return rc;
}
