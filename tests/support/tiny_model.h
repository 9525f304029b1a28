/* A tiny BERT that a test writes itself: a whole model directory with random weights, so that
 * everything above the encoder runs in milliseconds and without a download.
 *
 * The tokenizer lower-cases, splits as BERT does and knows the words of tiny_model_words(), each
 * letter and digit, and each of them as a continuation ("##a"); what else it meets is [UNK].
 */
#ifndef VF_TESTS_TINY_MODEL_H
#define VF_TESTS_TINY_MODEL_H

#include <stdbool.h>
#include <stddef.h>

struct tiny_model {
    size_t hidden, intermediate, layers, heads;
    size_t max_positions;
    size_t model_max_length; /* tokenizer_config.json */
    const char *pooling;     /* "mean", "cls" or "max" */
    const char *activation;  /* config.json's hidden_act */
    bool normalize;
    bool do_lower_case;   /* sentence_bert_config.json */
    size_t vocab_size;    /* rows of the embedding; 0: as many as the tokenizer has */
    const char *nan_word; /* a word whose embedding is not a number; NULL: none */
    bool zero_output;     /* the last layer gives zeros */
    unsigned seed;
};

/* Sizes that serve most tests: 2 layers, 32 hidden, 2 heads, 64 positions, mean, normalised. */
void tiny_model_init(struct tiny_model *model);

/* Writes config.json, tokenizer.json, tokenizer_config.json, modules.json,
 * sentence_bert_config.json, 1_Pooling/config.json and model.safetensors into `directory`, which
 * must exist. Every failure fails the test. */
void tiny_model_write(const struct tiny_model *model, const char *directory);

/* The words with a token of their own; *ret_n of them. */
const char *const *tiny_model_words(size_t *ret_n);

#endif
