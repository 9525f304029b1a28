#!/usr/bin/env python3
"""Writes the tables of src/tokenizer/: the Unicode facts as the library `tokenizers` has them.

Development only; needs the Python package `tokenizers`. The library takes its facts from several
versions of Unicode at once (categories from one, decompositions from another, case from a third),
so each is asked of the library itself, for every scalar value.

Usage: make-unicode-tables.py OUTPUT_DIRECTORY

    unicode_tables.inc      properties, canonical decompositions, case
    unicode_forms.inc       compatibility decompositions, compositions
    unicode_categories.inc  general categories of the library's regular expressions
    grapheme_tables.inc     what decides where clusters of characters end
"""
import base64
import json
import pathlib
import struct
import sys
import unicodedata

from tokenizers import (AddedToken, Regex, Tokenizer, __version__, models, normalizers,
                        pre_tokenizers)

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


def probe_steps():
    """What single normalisers and pre-tokenisers go by, and that others go by the same facts."""
    strip = normalizers.StripAccents().normalize_str
    digits = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str
    return {
        "accent": [c for c in SCALARS if strip(chr(c)) == ""],
        "numeric": [c for c in SCALARS if len(digits(f"a{chr(c)}a")) == 3],
    }


CATEGORIES = ("Cn Cc Cf Co Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No "
              "Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp").split()


def probe_categories():
    text = "".join(map(chr, SCALARS))
    found = {}
    for name in CATEGORIES:
        split = pre_tokenizers.Split(Regex(f"\\p{{{name}}}"), "removed", invert=True)
        for piece, _ in split.pre_tokenize_str(text):
            found.update((ord(c), name) for c in piece)
    assert len(found) == len(SCALARS)
    for c in range(0xD800, 0xE000):
        found[c] = "Cn"
    return found


def probe_compatibility():
    nfd, nfkd = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
    return {c: nfkd(chr(c)) for c in SCALARS if nfkd(chr(c)) != nfd(chr(c))}


def probe_compositions(decompositions):
    nfc = normalizers.NFC().normalize_str
    found = {}
    for c, parts in decompositions.items():
        if nfc(parts) != chr(c):
            continue
        first, second = nfc(parts[:-1]), parts[-1]
        assert len(first) == 1 and nfc(first + second) == chr(c)
        found[ord(first), ord(second)] = c
    return found


class Clusters:
    """Counts clusters: with every single byte a key, one of less than 6 bytes becomes one X."""

    def __init__(self):
        n = 256
        units = [0] * (3 * n)
        units[0] = n << 10
        for byte in range(1, 256):
            at, leaf = n + (byte ^ 0), 2 * n + byte
            units[at] = byte | 1 << 8 | (at ^ leaf) << 10
            units[leaf] = 1 << 31
        array = struct.pack(f"<{len(units)}I", *units)
        blob = struct.pack("<I", len(array)) + array + b"X\0"
        spec = {"type": "Precompiled",
                "precompiled_charsmap": base64.b64encode(blob).decode("ascii")}
        document = json.loads(Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")).to_str())
        document["normalizer"] = spec
        self.normalize = Tokenizer.from_str(json.dumps(document)).normalizer.normalize_str

    def count(self, *code_points):
        return len(self.normalize("".join(map(chr, code_points))))


def probe_graphemes():
    """Only what can matter to the normaliser, which treats clusters of 6 bytes and more alike."""
    count = Clusters().count
    acute, zwj, copyright_sign, ka, virama = 0x301, 0x200D, 0xA9, 0x915, 0x94D
    assert count(0x61) == 1 and count(0x61, 0x62) == 2 and count(0x61, acute) == 1
    assert count(ka, virama) == 2 and count(ka, acute) == 1
    found = {}
    for c in SCALARS:
        if c < 0x80:
            kind = "CONTROL" if c < 0x20 or c == 0x7F else None
        elif count(0x61, c) == 1:
            kind = "EXTEND"
        elif count(c, 0x61) == 1:
            kind = "PREPEND"
        elif c < 0x10000 and count(0x600, c) == 2:
            kind = "CONTROL"
        elif count(copyright_sign, zwj, c) == 3:
            kind = "PICTOGRAPHIC"
        elif 0x800 <= c < 0x10000 and count(ka, virama, c, acute) == 4:
            kind = "CONSONANT"
        else:
            kind = None
        if kind:
            found[c] = kind
    for c, kind in found.items():
        if kind == "EXTEND" and 0x800 <= c < 0x10000:
            if count(ka, c, ka, acute) == 4:
                found[c] = "LINKER"
            elif count(ka, c, virama, ka, acute) != 5:
                found[c] = "SPACING"
        elif kind == "EXTEND" and count(ka, c, virama, ka, acute) != 5:
            found[c] = "SPACING"
    return found


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


def class_runs(kinds):
    runs = []
    for c in sorted(kinds):
        if runs and runs[-1][1] == c - 1 and runs[-1][2] == kinds[c]:
            runs[-1][1] = c
        else:
            runs.append([c, c, kinds[c]])
    return runs


def hexes(text):
    return ", ".join(f"0x{ord(x):X}" for x in text)


def open_table(directory, name):
    out = open(directory / name, "w", encoding="ascii")
    out.write(f"/* Made by scripts/make-unicode-tables.py from tokenizers {__version__}; "
              "not edited by hand. */\n/* clang-format off */\n")
    return out


def close_table(out):
    out.write("/* clang-format on */\n")
    out.close()


def write_properties(directory, decompositions):
    classes = probe_combining_classes(decompositions)
    for c, normal in decompositions.items():
        ccc = [classes.get(ord(x), 0) for x in normal]
        assert len(normal) <= 4 and all(a == 0 or b for a, b in zip(ccc, ccc[1:])), hex(c)
    out = open_table(directory, "unicode_tables.inc")
    for name, code_points in {**probe_properties(), **probe_steps()}.items():
        write_table(out, f"struct range {name}_ranges",
                    [f"{{0x{a:X}, 0x{b:X}}}," for a, b in ranges(code_points)])
    write_table(out, "struct class_range combining_classes",
                [f"{{0x{a:X}, 0x{b:X}, {k}}}," for a, b, k in class_ranges(classes)])
    write_table(out, "struct case_range lower_case",
                [f"{{0x{a:X}, 0x{b:X}, {s}, {d}}},"
                 for a, b, s, d in case_ranges(probe_lower())])
    write_table(out, "struct decomposition decompositions",
                [f"{{0x{c:X}, {{{hexes(d)}}}}}," for c, d in sorted(decompositions.items())])
    close_table(out)


def write_forms(directory, decompositions):
    out = open_table(directory, "unicode_forms.inc")
    parts, rows = [], []
    for c, text in sorted(probe_compatibility().items()):
        rows.append(f"{{0x{c:X}, {len(parts)}, {len(text)}}},")
        parts += text
    write_table(out, "struct compatibility compatibilities", rows)
    write_table(out, "uint32_t compatibility_parts", [f"0x{ord(x):X}," for x in parts])
    write_table(out, "struct composition compositions",
                [f"{{0x{a:X}, 0x{b:X}, 0x{c:X}}},"
                 for (a, b), c in sorted(probe_compositions(decompositions).items())])
    close_table(out)


def write_categories(directory):
    categories = probe_categories()
    runs = [c for c in sorted(categories) if categories[c] != categories.get(c - 1)]
    out = open_table(directory, "unicode_categories.inc")
    write_table(out, "struct category_run category_runs",
                [f"{{0x{c:X}, {categories[c].upper()}}}," for c in runs])
    close_table(out)


def write_graphemes(directory):
    out = open_table(directory, "grapheme_tables.inc")
    write_table(out, "struct grapheme_range grapheme_ranges",
                [f"{{0x{a:X}, 0x{b:X}, {kind}}}," for a, b, kind in class_runs(probe_graphemes())])
    close_table(out)


def main():
    directory = pathlib.Path(sys.argv[1])
    decompositions = probe_decompositions()
    write_properties(directory, decompositions)
    write_forms(directory, decompositions)
    write_categories(directory)
    write_graphemes(directory)


if __name__ == "__main__":
    main()
