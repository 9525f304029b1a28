#!/usr/bin/env python3
"""Writes the files of torch.save() that tests/unit/test_torch_file.c reads, and hostile ones.

    make-torch-files.py [FOLDER]

Needs torch; only to be run when the set of files changes.
"""
import collections
import io
import pathlib
import pickle
import struct
import sys
import zipfile

import torch


def floats(n, shape):
    return (torch.arange(n, dtype=torch.float32) / 4 - 1).reshape(shape)


def state_dict():
    """Every kind of tensor that a model's state dict may hold, as torch itself writes it."""
    table = floats(24, (4, 6))
    named = collections.OrderedDict()
    named["matrix"] = floats(6, (2, 3))
    named["vector"] = floats(3, (3,))
    named["half"] = floats(6, (3, 2)).to(torch.float16)
    named["brain"] = floats(3, (3,)).to(torch.bfloat16)
    named["parameter"] = torch.nn.Parameter(floats(4, (2, 2)))
    named["ids"] = torch.arange(5).expand((1, -1))
    named["scalar"] = torch.tensor(2.5)
    named["empty"] = torch.zeros((0, 4))
    named["rows"] = table[1:3]        # a part of a storage
    named["transposed"] = table.t()   # not one behind the other
    named["same"] = named["matrix"]   # one tensor under two names
    named._metadata = collections.OrderedDict({"": {"version": 1}})
    return named


def archive(members, compression=zipfile.ZIP_STORED):
    """A zip archive of {name: bytes} in the folder that torch would use."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as zip_file:
        for name, data in members.items():
            zip_file.writestr(f"archive/{name}", data)
    return out.getvalue()


def tensor_pickle(numbers=4, offset=0, shape=(2, 2), strides=(2, 1), kind=b"FloatStorage",
                  name=b"w", key=b"0"):
    """A dict of one tensor, of whatever it is told."""
    def integer(n):
        return b"\x8a\x08" + struct.pack("<q", n)

    def text(s):
        return b"X" + struct.pack("<I", len(s)) + s

    def sizes(values):
        return b"(" + b"".join(integer(v) for v in values) + b"t"

    storage = (b"(" + text(b"storage") + b"ctorch\n" + kind + b"\n" + text(key) + text(b"cpu")
               + integer(numbers) + b"tQ")
    tensor = (b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + integer(offset) + sizes(shape)
              + sizes(strides) + b"\x89ccollections\nOrderedDict\n)RtR")
    return b"\x80\x02}(" + text(name) + tensor + b"u."


class Command:
    def __reduce__(self):
        import os
        return os.system, ("true",)


def hostile():
    """Files that must be refused, each with what its name says."""
    data = bytes(16)
    good = tensor_pickle()

    def one(program, numbers=data):
        return archive({"data.pkl": program, "data/0": numbers})

    yield "runs_a_command", one(pickle.dumps({"w": Command()}, protocol=2))
    yield "protocol_4", one(pickle.dumps({"w": 1}, protocol=4))
    yield "unknown_operation", one(b"\x80\x02}i__main__\nx\n.")
    yield "unknown_storage", one(tensor_pickle(kind=b"QInt8Storage"))
    yield "no_dict", one(b"\x80\x02K\x01.")
    yield "no_stop", one(good[:-1])
    yield "stack_underflow", one(b"\x80\x02R.")
    yield "no_mark", one(b"\x80\x02}u.")
    yield "memo_missing", one(b"\x80\x02h\x05.")
    yield "memo_far", one(b"\x80\x02}r\xff\xff\xff\xff.")
    yield "self_in_tuple", one(b"\x80\x02}(tQ.")
    yield "long_text", one(b"\x80\x02X\xff\xff\xff\xffabc.")
    yield "huge_number", one(b"\x80\x02\x8a\x09" + bytes(9) + b".")
    yield "deep", one(b"\x80\x02" + b"(" * 17000 + b".")
    yield "shape_overflows", one(tensor_pickle(shape=(1 << 40, 1 << 40)))
    yield "strides_overflow", one(tensor_pickle(strides=(1 << 62, 1 << 62), shape=(9, 9)))
    yield "negative_offset", one(tensor_pickle(offset=-1))
    yield "behind_the_storage", one(tensor_pickle(offset=1))
    yield "storage_too_short", one(good, data[:-1])
    yield "storage_overflows", one(tensor_pickle(numbers=1 << 62))
    yield "no_storage", one(tensor_pickle(key=b"1"))
    yield "long_key", one(tensor_pickle(key=b"k" * 100))
    yield "name_with_nul", one(tensor_pickle(name=b"a\0b"))
    yield "big_endian", archive({"data.pkl": good, "data/0": data, "byteorder": "big"})
    yield "no_pickle", archive({"data/0": data})
    yield "compressed", archive({"data.pkl": good, "data/0": data}, zipfile.ZIP_DEFLATED)
    whole = one(good)
    yield "no_end", whole[:-22]
    yield "directory_outside", whole[:-6] + struct.pack("<I", 0xfffffff0) + whole[-2:]
    yield "too_many_members", whole[:-14] + struct.pack("<HH", 9999, 9999) + whole[-10:]
    at = whole.index(b"PK\x01\x02")
    yield "member_outside", whole[:at + 42] + struct.pack("<I", 0x7fffffff) + whole[at + 46:]
    yield "two_names", whole[:30] + b"A" + whole[31:]
    yield "folder_with_nul", whole.replace(b"archive/", b"arch\0ve/")
    yield "wrong_size", whole[:at + 20] + struct.pack("<II", 1 << 30, 1 << 30) + whole[at + 28:]


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                          pathlib.Path(__file__).parent.parent / "tests/unit/torch_files")
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state_dict(), folder / "state_dict.bin")
    torch.save(dict(state_dict()), folder / "plain_dict.bin")
    torch.save(state_dict(), folder / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save({"model": state_dict()}, folder / "nested.bin")
    (folder / "zip32.bin").write_bytes(archive({"data.pkl": tensor_pickle(), "data/0":
                                                struct.pack("<4f", 1, 2, 3, 4)}))
    (folder / "hostile").mkdir(exist_ok=True)
    for name, content in hostile():
        (folder / "hostile" / f"{name}.bin").write_bytes(content)


if __name__ == "__main__":
    main()
