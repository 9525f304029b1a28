#!/usr/bin/env python3
"""Writes src/tokenizer/unicode_tables.inc: the Unicode facts as the library `tokenizers` has them.

Development only; needs the Python package `tokenizers`. The library takes its facts from several
versions of Unicode at once (categories from one, decompositions from another, case from a third),
so each is asked of the library itself, for every scalar value.

Usage: make-unicode-tables.py OUTPUT
"""
import sys
import unicodedata

from tokenizers import AddedToken, Tokenizer, __version__, models, normalizers, pre_tokenizers

SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
HANGUL = range(0xAC00, 0xAC00 + 11172)


def bert(**options):
    every = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**every, **options}).normalize_str


def ranges(code_points):
    result = []
    for c in sorted(code_points):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def probe_properties():
    clean, strip = bert(clean_text=True), bert(strip_accents=True)
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    pieces = {c: len(split(f"a{chr(c)}a")) for c in SCALARS}
    return {
        "control": [c for c in SCALARS if clean(chr(c)) == ""],
        "space": [c for c in SCALARS if pieces[c] == 2],
        "mark": [c for c in SCALARS if strip(chr(c)) == ""],
        "punctuation": [c for c in SCALARS if pieces[c] == 3],
        "word": [c for c in SCALARS if is_word(chr(c))],
        "cjk": [c for c in SCALARS if bert(handle_chinese_chars=True)(chr(c)) != chr(c)],
    }


WORD_PROBE = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
WORD_PROBE.add_tokens([AddedToken("\ue000", single_word=True, normalized=False)])


def is_word(char):
    return 1 not in WORD_PROBE.encode(char + "\ue000").ids


def probe_decompositions():
    nfd = normalizers.NFD().normalize_str
    found = {c: nfd(chr(c)) for c in SCALARS if nfd(chr(c)) != chr(c)}
    for c in HANGUL:
        s = c - 0xAC00
        jamo = [0x1100 + s // 588, 0x1161 + s % 588 // 28, 0x11A7 + s % 28]
        assert found.pop(c) == "".join(map(chr, jamo[: 3 if s % 28 else 2]))
    return found


def probe_combining_classes(decompositions):
    """The classes are told apart by which of two marks comes first in the normal form."""
    nfd = normalizers.NFD().normalize_str
    first, last = "\u0334", "\u0345"  # the lowest class, 1, and the highest, 240
    known = {1: first, 240: last}

    def order(a, b):
        if nfd("a" + a + b) == nfd("a" + b + a):
            return -1 if nfd("a" + b + a) == "a" + a + b else 1
        return 0

    marks = [c for c in SCALARS if c not in decompositions and c not in HANGUL and (
        nfd("a" + chr(c) + first) != "a" + chr(c) + first
        or nfd("a" + last + chr(c)) != "a" + last + chr(c))]
    for c in marks:
        known.setdefault(unicodedata.combining(chr(c)), chr(c))
    classes = {}
    for c in marks:
        same = [k for k, m in known.items() if order(chr(c), m) == 0 or m == chr(c)]
        assert len(same) == 1, (hex(c), same)
        classes[c] = same[0]
    classes[ord(first)], classes[ord(last)] = 1, 240
    return classes


def probe_lower():
    lower = bert(lowercase=True)
    found = {c: lower(chr(c)) for c in SCALARS if lower(chr(c)) != chr(c)}
    assert found.pop(0x130) == "i\u0307"  # the only one that grows; unicode.c has it
    assert all(len(v) == 1 for v in found.values())
    return {c: ord(v) for c, v in found.items()}


def case_ranges(lower):
    """Runs of equal distance to the lower case letter, with a step of 1 or 2."""
    runs = []
    for c in sorted(lower):
        delta = lower[c] - c
        if runs:
            run = runs[-1]
            step = c - run["last"]
            if delta == run["delta"] and (step == run["step"] or (run["step"] == 0 and step <= 2)):
                run["last"], run["step"] = c, step
                continue
        runs.append({"first": c, "last": c, "step": 0, "delta": delta})
    return [(r["first"], r["last"], r["step"] or 1, r["delta"]) for r in runs]


def class_ranges(classes):
    runs = []
    for c in sorted(classes):
        if runs and runs[-1][1] == c - 1 and runs[-1][2] == classes[c]:
            runs[-1][1] = c
        else:
            runs.append([c, c, classes[c]])
    return runs


def write_table(out, declaration, rows):
    out.write(f"\nstatic const {declaration}[] = {{\n")
    line = "   "
    for row in rows:
        if len(line) + 1 + len(row) > 100:
            out.write(line + "\n")
            line = "   "
        line += " " + row
    out.write(line + "\n};\n")


def main():
    decompositions = probe_decompositions()
    classes = probe_combining_classes(decompositions)
    for c, normal in decompositions.items():
        ccc = [classes.get(ord(x), 0) for x in normal]
        assert len(normal) <= 4 and all(a == 0 or b for a, b in zip(ccc, ccc[1:])), hex(c)
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write(f"/* Made by scripts/make-unicode-tables.py from tokenizers {__version__}; "
                  "not edited by hand. */\n/* clang-format off */\n")
        for name, code_points in probe_properties().items():
            write_table(out, f"struct range {name}_ranges",
                        [f"{{0x{a:X}, 0x{b:X}}}," for a, b in ranges(code_points)])
        write_table(out, "struct class_range combining_classes",
                    [f"{{0x{a:X}, 0x{b:X}, {k}}}," for a, b, k in class_ranges(classes)])
        write_table(out, "struct case_range lower_case",
                    [f"{{0x{a:X}, 0x{b:X}, {s}, {d}}},"
                     for a, b, s, d in case_ranges(probe_lower())])
        write_table(out, "struct decomposition decompositions",
                    [f"{{0x{c:X}, {{{', '.join(f'0x{ord(x):X}' for x in d)}}}}},"
                     for c, d in sorted(decompositions.items())])
        out.write("/* clang-format on */\n")


if __name__ == "__main__":
    main()
