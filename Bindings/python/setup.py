"""Builds the wheel: libapus by CMake, beside it in the package the extension that binds it, and, where there is a Swift
compiler of version 6.3 or later, libapus_train, which the gradients come from.

The libraries' sources are the repository's, two folders up. APUS_BUILD is a folder to build them in and to build them
anew from. APUS_CMAKE_ARGS holds further arguments for CMake, such as
-DCMAKE_C_COMPILER=clang, separated by spaces.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent


def version() -> str:
    text = (REPOSITORY / "include/apus/base.h").read_text()
    return ".".join(re.search(rf"APUS_VERSION_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR", "PATCH"))


class BuildExtension(build_ext):
    """Builds libapus first, puts it beside the extension and links with it there."""

    def build_extension(self, extension):
        package = Path(self.get_ext_fullpath(extension.name)).resolve().parent
        package.mkdir(parents=True, exist_ok=True)
        core, *others = self.build_libraries()
        for library in (core, *others):
            shutil.copyfile(library, package / library.name)
        extension.extra_objects.append(str(package / core.name))
        super().build_extension(extension)

    def copy_extensions_to_source(self):
        """For installing in place: the library goes where the extension goes."""
        super().copy_extensions_to_source()
        built = Path(self.build_lib).resolve() / "apus"
        for library in built.glob("libapus*"):
            shutil.copyfile(library, HERE / "src/apus" / library.name)

    def build_libraries(self) -> list[Path]:
        """The shared libraries, the core first, under the names that programs linked with them look for."""
        folder = Path(os.environ.get("APUS_BUILD", Path(self.build_temp).resolve() / "libapus"))
        ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
        options = ["-DAPUS_BUILD_TESTS=OFF", "-DAPUS_BUILD_TRAIN=ON", *shlex.split(os.environ.get("APUS_CMAKE_ARGS", ""))]
        subprocess.run(["cmake", "-S", REPOSITORY, "-B", folder, *ninja, *options], check=True)
        subprocess.run(["cmake", "--build", folder, "--target", "apus", "--parallel"], check=True)
        libraries = [self.find(folder, "libapus")]
        targets = subprocess.run(["cmake", "--build", folder, "--target", "help"], capture_output=True, text=True).stdout
        if "train_library" in targets:
            subprocess.run(["cmake", "--build", folder, "--target", "train_library"], check=True)
            libraries.append(self.find(folder, "libapus_train"))
        return libraries

    @staticmethod
    def find(folder: Path, name: str) -> Path:
        """The library whose name ends in the first number of its version."""
        pattern = f"{name}.[0-9]*.dylib" if sys.platform == "darwin" else f"{name}.so.[0-9]*"
        found = sorted(folder.glob(pattern), key=lambda path: len(path.name))
        if not found:
            raise FileNotFoundError(f"the build left no {pattern} in {folder}")
        return found[0]


origin = "@loader_path" if sys.platform == "darwin" else "$ORIGIN"
core = Extension(
    "apus._core",
    sources=sorted(str(path.relative_to(HERE)) for path in (HERE / "csrc").glob("*.c")),
    depends=[str(HERE / "csrc/extension.h")],
    include_dirs=[str(REPOSITORY / "include")],
    extra_compile_args=["-std=gnu17", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-missing-field-initializers"],
    extra_link_args=[f"-Wl,-rpath,{origin}"],
)
setup(version=version(), ext_modules=[core], cmdclass={"build_ext": BuildExtension})
