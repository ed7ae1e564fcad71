import json

import pytest

from megaasr import check_writable, jsonl_line, read_jsonl, write_text
from megaasr_core.base.errors import ManifestError, OutputError
from megaasr_core.base.files import atomic_path


def test_a_file_is_whole_or_absent(tmp_path):
    def write_half():
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_the_temporary_name_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "a.flac") as temporary:
        assert temporary.suffix == ".flac"
        temporary.touch()


def test_a_read_only_place_is_refused_before_the_work(tmp_path, monkeypatch):
    # Permissions do not bind a superuser, so the refusal of the system is put in its place.
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.touch", refuse)
    with pytest.raises(OutputError, match=f"cannot write in {tmp_path}: Read-only file system"):
        check_writable(tmp_path / "a.txt")


def test_a_folder_is_no_place_for_a_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        check_writable(tmp_path)


@pytest.mark.parametrize(
    ("line", "reason"), [('{"audio": ', "not JSON"), ("[1, 2]", "a JSON object is expected, not list")]
)
def test_a_broken_line_is_named_by_its_number(tmp_path, line, reason):
    path = tmp_path / "m.jsonl"
    path.write_text("\n".join([json.dumps({"n": n}) for n in range(6)] + [line, '{"n": 8}']))
    with pytest.raises(ManifestError, match=f"line 7: {reason}") as caught:
        read_jsonl(path)
    assert str(path) in str(caught.value)


def test_blank_lines_are_skipped_and_line_separators_in_text_do_not_split(tmp_path):
    path = tmp_path / "m.jsonl"
    rows = [{"text": "a\u2028b"}, {"text": "ü"}]
    path.write_text("\n" + "\n\n".join(jsonl_line(row) for row in rows), encoding="utf-8")
    assert read_jsonl(path) == rows


def test_a_manifest_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ManifestError, match="No such file"):
        read_jsonl(tmp_path / "none.jsonl")


def test_nan_does_not_get_into_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        jsonl_line({"wer": float("nan")})
