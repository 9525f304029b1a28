#include "embed/prompt.h"

#include "base/buf.h"

#include <ctype.h>
#include <string.h>

/* ---- models that need one ---- */

/* Families that were trained with a prompt on every text and whose files do not say so. */
static const struct family {
    const char *name;    /* the model's name begins with it, or has it behind a '-' */
    const char *but_not; /* nor has this anywhere; NULL */
    const char *query, *document;
} families[] = {
    {"e5-small", "instruct", "query: ", "passage: "},
    {"e5-base", "instruct", "query: ", "passage: "},
    {"e5-large", "instruct", "query: ", "passage: "},
    {"nomic-embed-text-v1", NULL, "search_query: ", "search_document: "},
};

/* Case does not count in `name`. */
static bool begins_with(const char *name, const char *part)
{
    for (; *part; part++, name++)
        if (tolower((unsigned char)*name) != *part)
            return false;
    return true;
}

/* True when `part` is in the name; unless `anywhere`, at its beginning or behind a '-'. */
static bool has(const char *name, const char *part, bool anywhere)
{
    for (const char *at = name; *at; at++)
        if ((anywhere || at == name || at[-1] == '-') && begins_with(at, part))
            return true;
    return false;
}

/* The last part of a Hub name or of a directory's path. */
static const char *last_part(const char *model)
{
    const char *part = model;
    for (const char *p = model; *p; p++)
        if (*p == '/' && p[1])
            part = p + 1;
    return part;
}

static const struct family *find_family(const char *model)
{
    const char *name = last_part(model);
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (has(name, families[i].name, false) &&
            !(families[i].but_not && has(name, families[i].but_not, true)))
            return &families[i];
    return NULL;
}

static int check_family(const struct vf_options *options, struct vf_err *err)
{
    const struct family *family = find_family(options->model);
    if (!family)
        return 0;
    const char *prompt = options->queries ? family->query : family->document;
    vf_fail(err, VF_ERR_CONFIG,
        "%s was trained with a prompt before every text, and its files name none", options->model);
    vf_hint(err, "give the prompt \"%s\" (--prompt '%s'), or an empty one to do without", prompt,
        prompt);
    return VF_ERR_CONFIG;
}

/* ---- the choice ---- */

static int fail_name(
    const struct vf_options *options, const struct vf_prompts *prompts, struct vf_err *err)
{
    struct vf_buf names = {0};
    int rc = 0;
    for (size_t i = 0; i < prompts->n && rc == 0; i++)
        rc = vf_buf_printf(&names, err, "%s%s", i ? ", " : "", prompts->list[i].name);
    if (rc == 0) {
        rc = vf_fail(
            err, VF_ERR_USAGE, "%s has no prompt \"%s\"", options->model, options->prompt_name);
        vf_hint(err, prompts->n ? "its prompts are: %s" : "its files name no prompts%s",
            prompts->n ? names.data : "");
    }
    vf_buf_release(&names);
    return rc;
}

static const char *const of_queries[] = {"query", NULL};
static const char *const of_documents[] = {"document", "passage", "corpus", NULL};

/* The first of `names` whose prompt is a text, or without `text` that is there at all; or NULL. */
static const char *first_of(const struct vf_prompts *prompts, const char *const *names, bool text)
{
    for (; *names; names++) {
        const char *prompt = vf_prompts_find(prompts, *names);
        if (prompt && (*prompt || !text))
            return *names;
    }
    return NULL;
}

/* The name of the model's own prompt for this use of it, or NULL. An empty one is meant as none
 * only where that of the other use is a text: files have empty ones to be filled in, too. */
static const char *own_name(const struct vf_prompts *prompts, bool queries)
{
    const char *const *names = queries ? of_queries : of_documents;
    const char *name = first_of(prompts, names, true);
    if (!name && first_of(prompts, queries ? of_documents : of_queries, true))
        name = first_of(prompts, names, false);
    return name ? name : prompts->default_name;
}

static bool has_any_text(const struct vf_prompts *prompts)
{
    for (size_t i = 0; i < prompts->n; i++)
        if (*prompts->list[i].text)
            return true;
    return false;
}

int vf_prompt_choose(const struct vf_options *options, const struct vf_prompts *prompts,
    struct vf_chosen_prompt *ret, struct vf_err *err)
{
    struct vf_chosen_prompt chosen = {.text = options->prompt};
    if (!options->prompt) {
        chosen.name =
            options->prompt_name ? options->prompt_name : own_name(prompts, options->queries);
        chosen.text = chosen.name ? vf_prompts_find(prompts, chosen.name) : NULL;
        if (chosen.name && !chosen.text)
            return fail_name(options, prompts, err);
        bool has_text = has_any_text(prompts);
        chosen.is_missing =
            !chosen.name && has_text && (options->queries || !first_of(prompts, of_queries, true));
        int rc = has_text ? 0 : check_family(options, err);
        if (rc)
            return rc;
    }
    if (chosen.text && !*chosen.text)
        chosen.text = NULL;
    *ret = chosen;
    return 0;
}
