"""Write a distribution with entry points into a folder, in the form in which pip installs it."""

import textwrap

COMMON = "from megaasr import *\nfrom typing import ClassVar\n"


def install(folder, distribution, entry_points, **modules):
    """Write modules and metadata below `folder`, which the test adds to PYTHONPATH; return `folder`.

    Args:
        folder: folder to write.
        distribution: name of the distribution.
        entry_points: module of each entry point, by name.
        modules: source of each module, by name.
    """
    folder.mkdir(exist_ok=True)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(COMMON + textwrap.dedent(source))
    metadata = folder / f"{distribution}-1.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
    lines = [f"{name} = {module}" for name, module in entry_points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[megaasr]", *lines, ""]))
    return folder
