/* The error type of vecfill: one struct, filled once, at the place where the fact is known.
 *
 * Every function that can fail returns 0 or one of the negative codes below and takes a
 * `struct vf_err *err` last. `err` may be NULL. On success it is left as it was. Outputs of a
 * failed function are untouched unless its comment says otherwise.
 *
 * `msg` names what failed and why (one line, lower case, no full stop); `hint` says what to do
 * next, or is empty. Neither ever holds a password or a token.
 */
#ifndef VECFILL_ERROR_H
#define VECFILL_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

enum vf_code {
    VF_OK = 0,
    VF_ERR_USAGE = -1,       /* the caller asked for something that makes no sense */
    VF_ERR_DATA = -2,        /* a model's or an input's files are broken */
    VF_ERR_NOT_FOUND = -3,   /* a model, a file, a table or a column does not exist */
    VF_ERR_UNAVAILABLE = -4, /* the database or the hub could not be reached */
    VF_ERR_CONFIG = -5,      /* the configuration contradicts itself or what is stored */
    VF_ERR_PERMISSION = -6,  /* the right to read or write is missing */
    VF_ERR_NO_MEMORY = -7,   /* memory could not be had */
    VF_ERR_IO = -8,          /* reading or writing a file failed, or a disk is full */
    VF_ERR_INTERRUPTED = -9, /* stopped on request */
    VF_ERR_INTERNAL = -10,   /* a promise inside vecfill was broken: a bug */
    VF_ERR_LOGIN = -11       /* the database refuses the login */
};

struct vf_err {
    enum vf_code code;
    char msg[640];
    char hint[320];
};

#ifdef __cplusplus
}
#endif

#endif
