"""Files that a command line names: found, told apart, and refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.errors import InputError
from terminal.steps.files import existing_file, names_files, open_output, read_option_file, read_template


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no file .*absent\.csv"):
        existing_file(str(tmp_path / "absent.csv"))


def test_files_to_be_sent_need_an_instruction(tmp_path: Path) -> None:
    picture, table = tmp_path / "scan.dat", tmp_path / "table.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 32)
    table.write_text("prompt\nhello\n")
    assert names_files([str(picture)], with_prompt=True)
    assert not names_files([str(table)], with_prompt=False)
    assert not names_files([str(tmp_path / "absent.csv")], with_prompt=False)
    for paths in ([str(picture)], [str(tmp_path)], [str(table), str(table)], [str(tmp_path / "*.png")]):
        with pytest.raises(InputError, match="sent with an instruction"):
            names_files(paths, with_prompt=False)


def test_the_text_of_an_option(tmp_path: Path) -> None:
    file = tmp_path / "t.txt"
    file.write_bytes(b"\xef\xbb\xbfSay {{name}}.")
    assert read_option_file(None, "template") == ""
    assert read_option_file(str(file), "template") == "Say {{name}}."
    assert read_template(str(file)) == "Say {{name}}."
    assert read_template("Say {{name}}.") == "Say {{name}}."
    file.write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match="not valid UTF-8"):
        read_option_file(str(file), "template")
    with pytest.raises(InputError, match="cannot be read"):
        read_option_file(str(tmp_path / "absent"), "template")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        open_output(tmp_path / "absent" / "groups.jsonl")
    with open_output(tmp_path / "groups.jsonl") as out:
        out.write(b"x")
