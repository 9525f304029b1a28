#include "model/pickle.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

enum { PROTOCOL = 2, MAX_STACK = 1 << 14, MAX_MEMO = 1 << 20, FIRST_CAPACITY = 64 };

enum kind { NONE, BOOL, INTEGER, TEXT, MARK, TUPLE, LIST, DICT, GLOBAL, STORAGE, TENSOR };

struct value {
    enum kind kind;
    union {
        int64_t integer;
        struct vf_pickle_text text;
        struct {
            size_t first, n; /* in the machine's cells */
        } tuple;
        size_t index; /* of a dict, global, storage or tensor */
    };
};

/* Values in a row; grown on demand. */
struct values {
    struct value *v;
    size_t n, capacity;
};

struct storage {
    struct vf_pickle_text key;
    size_t global; /* its type */
    size_t numbers;
};

/* A tensor under a name in a dict. */
struct item {
    size_t dict, tensor;
    struct vf_pickle_text name;
};

struct machine {
    const uint8_t *p, *end;
    const char *path;
    struct values stack, memo, cells;
    size_t n_dicts;
    struct storage *storages;
    size_t n_storages, storages_capacity;
    struct vf_pickle_tensor *tensors;
    size_t n_tensors, tensors_capacity;
    struct item *items;
    size_t n_items, items_capacity;
    bool stopped;
};

static int fail(const struct machine *m, const char *why, struct vf_err *err)
{
    vf_fail(err, VF_ERR_DATA, "%s: the pickle in it %s", m->path, why);
    return VF_ERR_DATA;
}

/* ---- names that may be imported ---- */

enum role { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE_TYPE };

static const struct global {
    const char *module, *name;
    enum role role;
    const char *dtype; /* of a storage's numbers */
    size_t item_bytes;
} globals[] = {
    {"collections", "OrderedDict", ORDERED_DICT, NULL, 0},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, NULL, 0},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, NULL, 0},
    {"torch", "FloatStorage", STORAGE_TYPE, "F32", 4},
    {"torch", "HalfStorage", STORAGE_TYPE, "F16", 2},
    {"torch", "BFloat16Storage", STORAGE_TYPE, "BF16", 2},
    {"torch", "DoubleStorage", STORAGE_TYPE, "F64", 8},
    {"torch", "LongStorage", STORAGE_TYPE, "I64", 8},
    {"torch", "IntStorage", STORAGE_TYPE, "I32", 4},
    {"torch", "ShortStorage", STORAGE_TYPE, "I16", 2},
    {"torch", "CharStorage", STORAGE_TYPE, "I8", 1},
    {"torch", "ByteStorage", STORAGE_TYPE, "U8", 1},
    {"torch", "BoolStorage", STORAGE_TYPE, "BOOL", 1},
};

/* ---- memory ---- */

/* Makes room for one more item. */
static int grow(void **array, size_t *capacity, size_t n, size_t item_bytes, struct vf_err *err)
{
    size_t wanted = *capacity ? *capacity * 2 : FIRST_CAPACITY, bytes;
    if (n < *capacity)
        return 0;
    void *grown = vf_size_mul(wanted, item_bytes, &bytes) ? realloc(*array, bytes) : NULL;
    if (!grown)
        return vf_fail_memory(err, "the tensors of a file");
    *array = grown;
    *capacity = wanted;
    return 0;
}

static int append(struct values *values, struct value value, struct vf_err *err)
{
    void *array = values->v;
    int rc = grow(&array, &values->capacity, values->n, sizeof value, err);
    values->v = array;
    if (rc == 0)
        values->v[values->n++] = value;
    return rc;
}

static int push(struct machine *m, struct value value, struct vf_err *err)
{
    if (m->stack.n == MAX_STACK)
        return fail(m, "nests or lists too much", err);
    return append(&m->stack, value, err);
}

static int push_index(struct machine *m, enum kind kind, size_t index, struct vf_err *err)
{
    return push(m, (struct value){.kind = kind, .index = index}, err);
}

static int push_integer(struct machine *m, int64_t integer, struct vf_err *err)
{
    return push(m, (struct value){.kind = INTEGER, .integer = integer}, err);
}

/* Takes the topmost value, which must be no mark. */
static int pop(struct machine *m, struct value *ret, struct vf_err *err)
{
    if (m->stack.n == 0 || m->stack.v[m->stack.n - 1].kind == MARK)
        return fail(m, "takes a value that is not there", err);
    *ret = m->stack.v[--m->stack.n];
    return 0;
}

/* Takes off the stack what lies above the topmost mark, and the mark; *ret points to it, where it
 * stays until the next push. */
static int pop_marked(
    struct machine *m, const struct value **ret, size_t *ret_n, struct vf_err *err)
{
    size_t i = m->stack.n;
    while (i > 0 && m->stack.v[i - 1].kind != MARK)
        i--;
    if (i == 0)
        return fail(m, "takes values without a mark", err);
    *ret = m->stack.v + i;
    *ret_n = m->stack.n - i;
    m->stack.n = i - 1;
    return 0;
}

/* ---- reading the program ---- */

static int take(struct machine *m, size_t n, const uint8_t **ret, struct vf_err *err)
{
    if ((size_t)(m->end - m->p) < n)
        return fail(m, "is cut short", err);
    *ret = m->p;
    m->p += n;
    return 0;
}

/* A little-endian number of `n` <= 8 bytes. */
static int take_number(struct machine *m, size_t n, uint64_t *ret, struct vf_err *err)
{
    const uint8_t *p;
    uint64_t number = 0;
    int rc = take(m, n, &p, err);
    if (rc)
        return rc;
    for (size_t i = n; i-- > 0;)
        number = number << 8 | p[i];
    *ret = number;
    return 0;
}

/* Text up to the end of the line. */
static int take_line(struct machine *m, struct vf_pickle_text *ret, struct vf_err *err)
{
    const uint8_t *end = memchr(m->p, '\n', (size_t)(m->end - m->p));
    if (!end)
        return fail(m, "is cut short", err);
    *ret = (struct vf_pickle_text){(const char *)m->p, (size_t)(end - m->p)};
    m->p = end + 1;
    return 0;
}

/* ---- values ---- */

static int op_integer(struct machine *m, uint8_t op, struct vf_err *err)
{
    size_t n = op == 'J' ? 4 : op == 'M' ? 2 : 1;
    uint64_t number = 0;
    int rc = take_number(m, n, &number, err);
    if (rc)
        return rc;
    return push_integer(m, op == 'J' ? (int32_t)(uint32_t)number : (int64_t)number, err);
}

static int op_long(struct machine *m, uint8_t op, struct vf_err *err)
{
    uint64_t n = 0, number = 0;
    int rc = take_number(m, 1, &n, err);
    (void)op;
    if (rc)
        return rc;
    if (n > 8)
        return fail(m, "holds a number of more than 64 bits", err);
    rc = take_number(m, (size_t)n, &number, err);
    if (rc)
        return rc;
    if (n > 0 && n < 8 && number >> (8 * n - 1))
        number |= UINT64_MAX << 8 * n;
    return push_integer(m, (int64_t)number, err);
}

static int op_float(struct machine *m, uint8_t op, struct vf_err *err)
{
    const uint8_t *p;
    int rc = take(m, 8, &p, err);
    (void)op;
    return rc ? rc : push_index(m, NONE, 0, err); /* no tensor is described by one */
}

static int op_text(struct machine *m, uint8_t op, struct vf_err *err)
{
    const uint8_t *p;
    uint64_t n = 0;
    int rc = take_number(m, 4, &n, err);
    (void)op;
    if (rc == 0)
        rc = take(m, (size_t)n, &p, err);
    if (rc)
        return rc;
    return push(
        m, (struct value){.kind = TEXT, .text = {.bytes = (const char *)p, .n = (size_t)n}}, err);
}

static int op_constant(struct machine *m, uint8_t op, struct vf_err *err)
{
    enum { NEW_TRUE = 0x88 };
    if (op == 'N')
        return push_index(m, NONE, 0, err);
    return push(m, (struct value){.kind = BOOL, .integer = op == NEW_TRUE}, err);
}

static int op_empty(struct machine *m, uint8_t op, struct vf_err *err)
{
    switch (op) {
    case '(':
        return push_index(m, MARK, 0, err);
    case ']':
        return push_index(m, LIST, 0, err);
    case ')':
        return push(m, (struct value){.kind = TUPLE}, err);
    default:
        return push_index(m, DICT, m->n_dicts++, err);
    }
}

static int push_tuple(struct machine *m, const struct value *v, size_t n, struct vf_err *err)
{
    struct value tuple = {.kind = TUPLE, .tuple = {.first = m->cells.n, .n = n}};
    for (size_t i = 0; i < n; i++) {
        int rc = append(&m->cells, v[i], err);
        if (rc)
            return rc;
    }
    return push(m, tuple, err);
}

static int op_tuple(struct machine *m, uint8_t op, struct vf_err *err)
{
    enum { TUPLE1 = 0x85 };
    const struct value *v = NULL;
    size_t n = 0;
    struct value last[3];
    if (op == 't') {
        int rc = pop_marked(m, &v, &n, err);
        return rc ? rc : push_tuple(m, v, n, err);
    }
    n = (size_t)(op - TUPLE1) + 1;
    for (size_t i = n; i-- > 0;) {
        int rc = pop(m, &last[i], err);
        if (rc)
            return rc;
    }
    return push_tuple(m, last, n, err);
}

/* ---- memo ---- */

static int op_put(struct machine *m, uint8_t op, struct vf_err *err)
{
    uint64_t i = 0;
    int rc = take_number(m, op == 'q' ? 1 : 4, &i, err);
    if (rc)
        return rc;
    if (m->stack.n == 0 || i > m->memo.n || i >= MAX_MEMO)
        return fail(m, "keeps a value out of turn", err);
    const struct value top = m->stack.v[m->stack.n - 1];
    if (i == m->memo.n)
        return append(&m->memo, top, err);
    m->memo.v[i] = top;
    return 0;
}

static int op_get(struct machine *m, uint8_t op, struct vf_err *err)
{
    uint64_t i = 0;
    int rc = take_number(m, op == 'h' ? 1 : 4, &i, err);
    if (rc)
        return rc;
    if (i >= m->memo.n || m->memo.v[i].kind == MARK)
        return fail(m, "asks for a value that it has not kept", err);
    return push(m, m->memo.v[i], err);
}

/* ---- containers ---- */

static int add_item(struct machine *m, size_t dict, const struct value *key,
    const struct value *value, struct vf_err *err)
{
    void *array = m->items;
    if (key->kind != TEXT || value->kind != TENSOR)
        return 0;
    int rc = grow(&array, &m->items_capacity, m->n_items, sizeof *m->items, err);
    m->items = array;
    if (rc == 0)
        m->items[m->n_items++] =
            (struct item){.dict = dict, .tensor = value->index, .name = key->text};
    return rc;
}

/* The value on top must be of `kind`. */
static int check_top(const struct machine *m, enum kind kind, struct vf_err *err)
{
    if (m->stack.n > 0 && m->stack.v[m->stack.n - 1].kind == kind)
        return 0;
    return fail(m, "fills what is no container", err);
}

static int op_set_items(struct machine *m, uint8_t op, struct vf_err *err)
{
    struct value pair[2];
    const struct value *v = pair;
    size_t n = 2;
    int rc;
    if (op == 's') {
        VF_TRY(pop(m, &pair[1], err));
        VF_TRY(pop(m, &pair[0], err));
    } else {
        VF_TRY(pop_marked(m, &v, &n, err));
    }
    VF_TRY(check_top(m, DICT, err));
    if (n % 2 != 0)
        return fail(m, "has a key without a value", err);
    for (size_t i = 0; i < n && rc == 0; i += 2)
        rc = add_item(m, m->stack.v[m->stack.n - 1].index, &v[i], &v[i + 1], err);
out:
    return rc;
}

/* What a list holds is never asked for. */
static int op_append(struct machine *m, uint8_t op, struct vf_err *err)
{
    struct value one;
    const struct value *v;
    size_t n;
    int rc = op == 'a' ? pop(m, &one, err) : pop_marked(m, &v, &n, err);
    return rc ? rc : check_top(m, LIST, err);
}

/* Attributes of a dict, such as _metadata, are left out. */
static int op_build(struct machine *m, uint8_t op, struct vf_err *err)
{
    struct value state;
    int rc = pop(m, &state, err);
    (void)op;
    return rc ? rc : check_top(m, DICT, err);
}

/* ---- storages and tensors ---- */

static bool is_text(const struct value *value, const char *text)
{
    return value->kind == TEXT && value->text.n == strlen(text) &&
           memcmp(value->text.bytes, text, value->text.n) == 0;
}

static bool as_size(const struct value *value, size_t *ret)
{
    if (value->kind != INTEGER || value->integer < 0)
        return false;
    *ret = (size_t)value->integer;
    return true;
}

static const struct value *cells_of(const struct machine *m, const struct value *tuple)
{
    return m->cells.v + tuple->tuple.first;
}

/* ("storage", type, key, device, numbers) */
static int op_persistent(struct machine *m, uint8_t op, struct vf_err *err)
{
    enum { PARTS = 5 };
    struct value id;
    void *array = m->storages;
    size_t numbers;
    int rc = pop(m, &id, err);
    (void)op;
    if (rc)
        return rc;
    if (id.kind != TUPLE || id.tuple.n != PARTS)
        return fail(m, "refers to what is no storage", err);
    const struct value *part = cells_of(m, &id);
    if (!is_text(&part[0], "storage") || part[1].kind != GLOBAL ||
        globals[part[1].index].role != STORAGE_TYPE || part[2].kind != TEXT ||
        !as_size(&part[4], &numbers))
        return fail(m, "refers to what is no storage", err);
    rc = grow(&array, &m->storages_capacity, m->n_storages, sizeof *m->storages, err);
    m->storages = array;
    if (rc)
        return rc;
    m->storages[m->n_storages] =
        (struct storage){.key = part[2].text, .global = part[1].index, .numbers = numbers};
    return push_index(m, STORAGE, m->n_storages++, err);
}

/* Copies a tuple of sizes. */
static bool read_sizes(const struct machine *m, const struct value *tuple, size_t *ret)
{
    for (size_t i = 0; i < tuple->tuple.n; i++)
        if (!as_size(&cells_of(m, tuple)[i], &ret[i]))
            return false;
    return true;
}

/* (storage, offset, shape, strides, requires_grad, hooks[, metadata]) */
static int rebuild_tensor(struct machine *m, const struct value *arguments, struct vf_err *err)
{
    enum { LEAST = 4 };
    struct vf_pickle_tensor tensor = {0};
    void *array = m->tensors;
    if (arguments->tuple.n < LEAST)
        return fail(m, "rebuilds a tensor of too little", err);
    const struct value *v = cells_of(m, arguments);
    if (v[0].kind != STORAGE || !as_size(&v[1], &tensor.offset) || v[2].kind != TUPLE ||
        v[3].kind != TUPLE || v[2].tuple.n != v[3].tuple.n || v[2].tuple.n > VF_PICKLE_MAX_RANK ||
        !read_sizes(m, &v[2], tensor.shape) || !read_sizes(m, &v[3], tensor.strides))
        return fail(m, "rebuilds a tensor of what is none", err);
    const struct storage *storage = &m->storages[v[0].index];
    tensor.key = storage->key;
    tensor.storage_numbers = storage->numbers;
    tensor.dtype = globals[storage->global].dtype;
    tensor.item_bytes = globals[storage->global].item_bytes;
    tensor.rank = v[2].tuple.n;
    int rc = grow(&array, &m->tensors_capacity, m->n_tensors, sizeof *m->tensors, err);
    m->tensors = array;
    if (rc)
        return rc;
    m->tensors[m->n_tensors] = tensor;
    return push_index(m, TENSOR, m->n_tensors++, err);
}

/* "Calls" one of the known names with a tuple. */
static int op_reduce(struct machine *m, uint8_t op, struct vf_err *err)
{
    struct value function, arguments;
    int rc;
    (void)op;
    VF_TRY(pop(m, &arguments, err));
    VF_TRY(pop(m, &function, err));
    if (function.kind != GLOBAL || arguments.kind != TUPLE)
        return fail(m, "calls what is no function", err);
    switch (globals[function.index].role) {
    case REBUILD_TENSOR:
        return rebuild_tensor(m, &arguments, err);
    case REBUILD_PARAMETER:
        if (arguments.tuple.n > 0 && cells_of(m, &arguments)->kind == TENSOR)
            return push(m, *cells_of(m, &arguments), err);
        return fail(m, "makes a parameter of what is no tensor", err);
    case ORDERED_DICT:
        if (arguments.tuple.n == 0)
            return push_index(m, DICT, m->n_dicts++, err);
        return fail(m, "fills a dict in a way that torch does not", err);
    case STORAGE_TYPE:
        return fail(m, "makes a storage of its own", err);
    }
out:
    return rc;
}

static bool equals(struct vf_pickle_text text, const char *s)
{
    return text.n == strlen(s) && memcmp(text.bytes, s, text.n) == 0;
}

static int op_global(struct machine *m, uint8_t op, struct vf_err *err)
{
    enum { SHOWN = 80 };
    struct vf_pickle_text module, name;
    int rc;
    (void)op;
    VF_TRY(take_line(m, &module, err));
    VF_TRY(take_line(m, &name, err));
    for (size_t i = 0; i < sizeof globals / sizeof globals[0]; i++)
        if (equals(module, globals[i].module) && equals(name, globals[i].name))
            return push_index(m, GLOBAL, i, err);
    rc = vf_fail(err, VF_ERR_DATA,
        "%s: the pickle in it wants to import %.*s.%.*s, which no tensor needs", m->path,
        (int)(module.n < SHOWN ? module.n : SHOWN), module.bytes,
        (int)(name.n < SHOWN ? name.n : SHOWN), name.bytes);
    vf_hint(err, "take a revision of the model that has a model.safetensors");
out:
    return rc;
}

/* ---- the machine ---- */

static int op_protocol(struct machine *m, uint8_t op, struct vf_err *err)
{
    uint64_t protocol = 0;
    int rc = take_number(m, 1, &protocol, err);
    (void)op;
    if (rc || protocol == PROTOCOL)
        return rc;
    return fail(m, "is not of protocol 2, which torch writes", err);
}

static int op_stop(struct machine *m, uint8_t op, struct vf_err *err)
{
    (void)op;
    (void)err;
    m->stopped = true;
    return 0;
}

static const struct operation {
    uint8_t op;
    int (*run)(struct machine *m, uint8_t op, struct vf_err *err);
} operations[] = {
    {0x80, op_protocol},
    {'}', op_empty},
    {']', op_empty},
    {')', op_empty},
    {'(', op_empty},
    {'q', op_put},
    {'r', op_put},
    {'h', op_get},
    {'j', op_get},
    {'X', op_text},
    {'K', op_integer},
    {'M', op_integer},
    {'J', op_integer},
    {0x8a, op_long},
    {'G', op_float},
    {0x88, op_constant},
    {0x89, op_constant},
    {'N', op_constant},
    {'t', op_tuple},
    {0x85, op_tuple},
    {0x86, op_tuple},
    {0x87, op_tuple},
    {'s', op_set_items},
    {'u', op_set_items},
    {'a', op_append},
    {'e', op_append},
    {'b', op_build},
    {'c', op_global},
    {'Q', op_persistent},
    {'R', op_reduce},
    {'.', op_stop},
};

static int step(struct machine *m, struct vf_err *err)
{
    const uint8_t *op;
    int rc = take(m, 1, &op, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        if (operations[i].op == *op)
            return operations[i].run(m, *op, err);
    rc = vf_fail(err, VF_ERR_DATA,
        "%s: the pickle in it has the operation 0x%02x, which no tensor needs", m->path, *op);
    vf_hint(err, "take a revision of the model that has a model.safetensors");
    return rc;
}

/* Gives the tensors of the dict on the stack. */
static int collect(
    struct machine *m, struct vf_pickle_tensor **ret_tensors, size_t *ret_n, struct vf_err *err)
{
    size_t n = 0;
    if (m->stack.n != 1 || m->stack.v[0].kind != DICT)
        return fail(m, "is no dict of tensors", err);
    struct vf_pickle_tensor *tensors = calloc(m->n_items + 1, sizeof *tensors);
    if (!tensors)
        return vf_fail_memory(err, "the tensors of a file");
    for (size_t i = 0; i < m->n_items; i++) {
        if (m->items[i].dict != m->stack.v[0].index)
            continue;
        tensors[n] = m->tensors[m->items[i].tensor];
        tensors[n++].name = m->items[i].name;
    }
    *ret_tensors = tensors;
    *ret_n = n;
    return 0;
}

int vf_pickle_read(const uint8_t *bytes, size_t n, const char *path,
    struct vf_pickle_tensor **ret_tensors, size_t *ret_n, struct vf_err *err)
{
    int rc;
    struct machine m = {.p = bytes, .end = bytes + n, .path = path};
    if (n > VF_PICKLE_MAX_BYTES) {
        rc = fail(&m, "is longer than any description of tensors", err);
        goto out;
    }
    while (!m.stopped)
        VF_TRY(step(&m, err));
    VF_TRY(collect(&m, ret_tensors, ret_n, err));
out:
    free(m.stack.v);
    free(m.memo.v);
    free(m.cells.v);
    free(m.storages);
    free(m.tensors);
    free(m.items);
    return rc;
}
