"""Options that several verbs share, as parents of their parsers."""

from __future__ import annotations

import argparse

from batch.media.tokens import RESOLUTIONS
from batch.model import ContextMode, EmptyCells, SendFiles
from terminal.arguments.values import header_row, hours, parse_model_id, positive_int, rules, separator

REARRANGE = "--rearrange"


def request_options() -> argparse.ArgumentParser:
    """What to send: the file, the model, and settings of every request."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="JSONL, CSV, TSV, Parquet, XLSX, or .txt with one prompt a line; with --prompt: files, folders and .zip",
    )
    parent.add_argument("--model", required=True, type=parse_model_id, help="a model's id")
    parent.add_argument("--template", help="a prompt with {{column}} where a cell goes, or a file with one")
    parent.add_argument(
        "--fields",
        metavar="TEXT|FILE",
        help='columns of the answer: "mood: good | bad; urgency: 1..5; product", or a file with an example, a JSON'
        " schema, Pydantic or TypeScript",
    )
    parent.add_argument(
        "--empty-cells",
        choices=[choice.value for choice in EmptyCells],
        default="send",
        help="what becomes of rows with nothing in a column that the template names",
    )
    parent.add_argument(
        "--only-new",
        action="store_true",
        help="send only rows that no earlier run of this key has answered with the same request and model; the results"
        " hold the earlier answers too",
    )
    add_reading_options(parent)
    add_file_options(parent)
    parent.add_argument("--temperature", type=float)
    parent.add_argument("--max-output-tokens", type=int)
    parent.add_argument("--thinking", default="", help="a level (low, medium, high) or a budget in tokens")
    parent.add_argument("--system", default="", help="a system instruction for every request")
    parent.add_argument("--schema", help="a file with a response schema as JSON")
    parent.add_argument("--aspect-ratio", default="", metavar="W:H", help="of pictures to be made, such as 16:9")
    parent.add_argument("--image-size", default="", help="of pictures to be made: 512, 1K, 2K or 4K, by the model")
    parent.add_argument("--dimensions", type=positive_int, metavar="N", help="numbers of an embedding")
    parent.add_argument("--task-type", default="", metavar="T", help="what embeddings are for: RETRIEVAL_DOCUMENT, …")
    return parent


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """What is to be done with files, and how they are looked at."""
    parser.add_argument("--prompt", default="", metavar="TEXT", help="the instruction for each file that is sent")
    parser.add_argument(
        "--pages", choices=["whole", "each"], default="whole", help="a PDF or TIFF as one request, or one for each page"
    )
    parser.add_argument(
        "--media-resolution",
        choices=["", *RESOLUTIONS],
        default="",
        metavar="{low,medium,high}",
        help="how closely files are looked at, and so what they cost",
    )
    parser.add_argument(
        "--send-files",
        choices=[choice.value for choice in SendFiles],
        default="auto",
        help="files travel inside the requests, or are uploaded first; auto decides by size",
    )
    parser.add_argument(
        "--pass-urls",
        action="store_true",
        help="let Google fetch the addresses in --file-columns, which often fails, rather than this computer",
    )


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """How a table is to be read; what is not said is found out."""
    parser.add_argument("--sheet", default="", help="which sheet of a workbook, by its name or number")
    parser.add_argument(
        "--header-row", type=header_row, metavar="N", help="the row with the columns' names; 0 if there is none"
    )
    parser.add_argument("--separator", default="", type=separator, help='what parts the cells: ";", tab, …')
    parser.add_argument("--encoding", default="", help="how a text is encoded: utf-8, windows-1251, shift_jis, …")
    parser.add_argument("--key-column", default="", metavar="C", help="the column that names the rows")
    parser.add_argument(
        "--file-columns", default="", metavar="C,…", help="columns whose cells name files or URLs, or hold bytes"
    )


def planning_options() -> argparse.ArgumentParser:
    """How shared context is paid for."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--context", choices=[m.value for m in ContextMode], default="auto")
    parent.add_argument("--hours", type=hours, help="how long the jobs are expected to take")
    parent.add_argument(
        "--split",
        choices=["auto", "turn", "part", "text"],
        default="auto",
        help="where a shared beginning may end: after turns, after parts, or inside texts, after empty lines and line "
        "ends; as a rule after parts, and inside texts where that saves 5 %% of the input or more",
    )
    parent.add_argument(
        REARRANGE,
        type=rules,
        metavar="RULE,…",
        help="send requests with what they share first, where the plan says that it saves; with =RULE,… by these rules",
    )
    parent.add_argument("--dedupe", action="store_true", help="send exact duplicates once")
    return parent


def retry_options() -> argparse.ArgumentParser:
    """How rows are sent again, if otherwise than before."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--model", default="", type=parse_model_id, help="another model for these rows")
    parent.add_argument("--rows-per-job", type=positive_int, default=0, metavar="N", help="smaller jobs for them")
    parent.add_argument("--wait", action="store_true", help="return when the child run has ended")
    return parent


def add_output_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--out",
        required=required,
        help=".jsonl .json .csv .tsv .parquet .xlsx .txt; of files .md; of pictures folder or .zip, of embeddings .npy",
    )
    parser.add_argument(
        "--by-document",
        nargs="?",
        const="md",
        choices=["md", "txt"],
        help="join the answers to the pages of a file: all in one .md or .txt, or each in a folder or .zip",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--fill",
        dest="way",
        action="store_const",
        const="fill",
        default="auto",
        help="your own table with answers beside its columns: the default where --out is in its format",
    )
    way.add_argument(
        "--plain", dest="way", action="store_const", const="plain", help="a table of the flat rows instead"
    )
    parser.add_argument(
        "--raw-cells", action="store_true", help="in CSV, no apostrophe before texts that a spreadsheet would run"
    )
    parser.add_argument("--table", choices=["csv", "xlsx", "parquet", "jsonl"], default="csv", help="beside pictures")
    parser.add_argument("--normalize", action="store_true", help="give embeddings length one")
    parser.add_argument(
        "--failed-rows", choices=["drop", "nan"], default="drop", help="rows without an embedding: left out, or NaN"
    )
    parser.add_argument(
        "--form",
        choices=["flat", "gemini", "openai"],
        default="flat",
        help="flat rows, lines as received, or the result lines of OpenAI's batches",
    )
