"""A list ("table" in Excel's menu) on a sheet: it takes the new columns in where it ends right before them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from lifecycle.results.workbook.columns import Range, parse_range
from lifecycle.results.workbook.package import Package
from lifecycle.results.workbook.survey import Survey
from lifecycle.results.workbook.xml_outline import Edit, Element, append_child, change_attributes, outline, splice


def list_ranges(package: Package, sheet: str) -> dict[str, Range]:
    """The lists of a sheet by their parts, with the cells that each covers."""
    found = {}
    for relation in package.relations(sheet):
        if relation.kind == "table":
            covered = parse_range(outline(package.read(relation.path)).attribute("ref"))
            if covered:
                found[relation.path] = covered
    return found


def extend_list(package: Package, path: str, found: Survey, names: Sequence[str]) -> bool:
    """Let a list cover columns that are put right behind it; says whether it does. `names` are those in the header."""
    xml = package.read(path)
    root = outline(xml)
    covered, columns = parse_range(root.attribute("ref")), root.first("tableColumns")
    if covered is None or columns is None or not _can_extend(root, covered, columns, found, names):
        return False
    wider = covered._replace(right=covered.right + len(names))
    known = [child for child in columns.children if child.name == "tableColumn"]
    last = max((int(child.attribute("id")) for child in known if child.attribute("id").isdecimal()), default=0)
    p = columns.prefix
    added = "".join(f'<{p}tableColumn id="{n}" name={quoteattr(name)}/>' for n, name in enumerate(names, last + 1))
    edits = [change_attributes(root, ref=str(wider)), *_filter_edits(root, len(names))]
    edits += [change_attributes(columns, count=str(len(known) + len(names))), append_child(xml, columns, added)]
    package.changes[path] = splice(xml, edits)
    return True


def _can_extend(root: Element, covered: Range, columns: Element, found: Survey, names: Sequence[str]) -> bool:
    taken = {child.attribute("name").casefold() for child in columns.children}
    has_header = root.attribute("headerRowCount") in ("", "1")
    own = root.attribute("tableType") in ("", "worksheet") and not root.attribute("queryTableFieldId")
    fits = covered.top == found.header_row and covered.right == found.right
    return has_header and own and fits and not taken & {name.casefold() for name in names}


def _filter_edits(root: Element, columns: int) -> list[Edit]:
    found = root.first("autoFilter")
    old = parse_range(found.attribute("ref")) if found else None
    return [change_attributes(found, ref=str(old._replace(right=old.right + columns)))] if found and old else []
