"""Installs a build into a temporary directory and uses the library from there, as another program
would: by its pkg-config file, shared and static.

usage: test_install.py BUILD_DIRECTORY C_COMPILER
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, COMPILER = sys.argv[1:3]

PROGRAM = r"""
#include <stdio.h>
#include <vecfill/vecfill.h>

int main(void)
{
    struct vf_options options;
    struct vf_embedder *embedder = NULL;
    struct vf_err err;
    vf_options_init(&options);
    options.model = "/no/such/model";
    int rc = vf_open(&options, &embedder, &err);
    vf_close(embedder);
    printf("%s\n%s\n", vf_version(), err.msg);
    return rc == VF_ERR_NOT_FOUND ? 0 : 1;
}
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise AssertionError(f"{shlex.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="vecfill-test-"))
        cls.prefix = cls.root / "prefix"
        run("cmake", "--install", BUILD, "--prefix", str(cls.prefix))
        cls.pc = next(cls.prefix.rglob("vecfill.pc"))
        cls.lib = cls.pc.parent.parent
        (cls.root / "program.c").write_text(PROGRAM)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def pkg_config(self, *arguments):
        path = os.pathsep.join([str(self.pc.parent), os.environ.get("PKG_CONFIG_PATH", "")])
        return run("pkg-config", *arguments, "vecfill",
                   env={**os.environ, "PKG_CONFIG_PATH": path}).split()

    def build_and_run(self, name, *libraries):
        program = self.root / name
        run(COMPILER, "-std=c99", "-Wall", "-Werror", "-o", str(program),
            str(self.root / "program.c"), *self.pkg_config("--cflags"), *libraries)
        output = run(str(program), env={**os.environ, "LD_LIBRARY_PATH": str(self.lib),
                                        "DYLD_LIBRARY_PATH": str(self.lib)})
        version, message = output.splitlines()
        self.assertEqual([version], self.pkg_config("--modversion"))
        self.assertIn("/no/such/model", message)

    def test_files(self):
        for path in ("include/vecfill/vecfill.h", "include/vecfill/error.h"):
            self.assertTrue((self.prefix / path).is_file(), path)
        self.assertTrue((self.lib / "libvecfill.a").is_file())

    def test_shared(self):
        self.build_and_run("shared", *self.pkg_config("--libs"))

    def test_static(self):
        libraries = self.pkg_config("--static", "--libs")
        archive = str(self.lib / "libvecfill.a")
        self.build_and_run("static", *[archive if l == "-lvecfill" else l for l in libraries])

    def test_exports(self):
        library = next(p for p in self.lib.glob("libvecfill.*")
                       if p.suffix in (".so", ".dylib"))
        symbols = {line.split()[0].lstrip("_") for line in
                   run("nm", "-P", "-g" if library.suffix == ".dylib" else "-D",
                       "--defined-only", str(library)).splitlines()}
        headers = "".join(p.read_text() for p in (self.prefix / "include").rglob("*.h"))
        promised = set(re.findall(r"^VF_API\b[^;]*?\b(vf_\w+)\(", headers, re.MULTILINE))
        self.assertIn("vf_embed", promised)
        self.assertEqual(symbols, promised)


unittest.main(argv=sys.argv[:1], verbosity=2)
