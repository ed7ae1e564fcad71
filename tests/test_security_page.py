"""docs/security.md: every test that it names exists, its numbers are those of the code, and the guide leads to it."""

import ast
import re
from pathlib import Path

import pytest

from megaasr_core.base.audio_files import AudioLimits
from megaasr_plugins.corpus.fetching.archive_limits import ArchiveLimits
from megaasr_plugins.corpus.fetching.http_client import OVERHEAD_BYTES, DownloadLimits

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
ROWS = [
    line
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| data |", "| input |"))
]


def test_every_row_names_a_test():
    assert len(ROWS) > 12
    assert [row for row in ROWS if "`tests/" not in row] == []


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_the_page_names_is_there(file, test):
    tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert test in names or (not test and any(name.startswith("test_") for name in names))


def test_the_bounds_are_those_of_the_code():
    archive, download = ArchiveLimits(), DownloadLimits()
    assert AudioLimits().max_duration_s == 2 * 3600
    for words in (
        f"{archive.spare_bytes >> 20} MiB and {archive.max_ratio} times the bytes of the archive",
        f"{archive.max_members // 10**6} million members",
        f"too deep ({archive.max_depth} folders)",
        f"headers of {archive.max_header_bytes >> 20} MiB",
        f"a zip directory of {archive.max_directory_bytes >> 20} MiB",
        f"an xz decoder of {archive.decoder_bytes >> 20} MiB",
        f"{download.max_bytes // 10**9} GB; {download.max_unsized_bytes // 10**9} GB where the server states no size",
        f"{OVERHEAD_BYTES >> 10} KiB of headers",
        f"a silence of {download.timeout_s:.0f} s or less than {download.min_bytes_per_s:,.0f} bytes per second",
        f"attempts without {download.progress_bytes >> 10} KiB of progress, or {download.max_tries:,} in all",
    ):
        assert words in PAGE, words
    assert download.tries == 5
    assert "five attempts" in PAGE


def test_the_guide_leads_to_it_and_it_invents_no_address():
    assert "(security.md)" in (PROJECT / "docs" / "guide.md").read_text(encoding="utf-8")
    assert not re.search(r"\w@\w", PAGE)
