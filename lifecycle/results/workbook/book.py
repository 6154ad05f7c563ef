"""What a workbook says of its sheets: their names, order and parts, and the names defined over them."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from lifecycle.results.workbook.columns import Range
from lifecycle.results.workbook.package import Package, relations_path
from lifecycle.results.workbook.xml_outline import Edit, Element, UnusualPart, append_child, outline, splice

_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FILTER = "_xlnm._FilterDatabase"
_BEFORE_NAMES = (
    "fileVersion", "fileSharing", "workbookPr", "AlternateContent", "revisionPtr", "absPath", "workbookProtection",
    "bookViews", "sheets", "functionGroups", "externalReferences",
)  # fmt: skip


class Book:
    """The main part of a workbook's package."""

    def __init__(self, package: Package) -> None:
        self._package = package
        main = next((relation for relation in package.relations("") if relation.kind == "officeDocument"), None)
        if main is None:
            raise UnusualPart("it is not a workbook")
        self.path = main.path
        if "macroEnabled" in package.content_type(self.path):
            raise UnusualPart("it has macros, which a workbook in .xlsx cannot hold")
        self._relations = package.relations(self.path)

    @property
    def _xml(self) -> bytes:
        return self._package.read(self.path)

    def _sheets(self) -> list[Element]:
        group = outline(self._xml).first("sheets")
        return [child for child in group.children if child.name == "sheet"] if group else []

    def sheet(self, name: str) -> tuple[int, str, str]:
        """The place of a sheet among all, its name and its part; without a name, of the first that is shown."""
        worksheets = {relation.id: relation.path for relation in self._relations if relation.kind == "worksheet"}
        found = [
            (n, one.attribute("name"), worksheets[one.attribute("id")], one.attribute("state") in ("", "visible"))
            for n, one in enumerate(self._sheets())
            if one.attribute("id") in worksheets
        ]
        chosen = [one for one in found if one[1] == name] if name else [one for one in found if one[3]] or found
        if not chosen:
            raise UnusualPart(f'it has no sheet "{name}"')
        return chosen[0][:3]

    def part(self, kind: str) -> str | None:
        """The part of a kind, such as "styles"; None where there is none."""
        return next((relation.path for relation in self._relations if relation.kind == kind), None)

    @property
    def counts_from_1904(self) -> bool:
        """Whether dates are counted as old Macintosh computers did."""
        found = outline(self._xml).first("workbookPr")
        return found is not None and found.attribute("date1904") in ("1", "true")

    def add_sheet(self, title: str) -> str:
        """Name a new sheet, the last one; returns the part that is to be written. A title that is taken is numbered."""
        sheets = self._sheets()
        names = {one.attribute("name").casefold() for one in sheets}
        title = next(name for name in (title, *(f"{title} {n}" for n in range(2, 999))) if name.casefold() not in names)
        folder = self.path.rpartition("/")[0]
        path = next(
            part
            for n in range(len(sheets) + 1, 99_999)
            if (part := f"{folder}/worksheets/sheet{n}.xml".lstrip("/")) not in self._package
        )
        kind = self._sheet_kind()
        relation = self._package.add_relation(self.path, kind, path)
        self._package.add_type(path, f"{_TYPE}.worksheet+xml")
        xml, group = self._xml, outline(self._xml).first("sheets")
        if group is None:
            raise UnusualPart("it has no sheets")
        number = max(
            (int(one.attribute("sheetId")) for one in sheets if one.attribute("sheetId").isdecimal()), default=0
        )
        prefix, declared = _relations_prefix(outline(xml), kind.rpartition("/")[0])
        text = (
            f'<{group.prefix}sheet{declared} name={quoteattr(title)} sheetId="{number + 1}" {prefix}:id="{relation}"/>'
        )
        self._package.changes[self.path] = splice(xml, [append_child(xml, group, text)])
        self._package.changes.setdefault(path, b"")
        return path

    def _sheet_kind(self) -> str:
        """The whole type of a relation to a sheet, as this workbook writes it."""
        source = self._package.read(relations_path(self.path))
        types = (one.attribute("Type") for one in outline(source).all("Relationship"))
        return next(kind for kind in types if kind.endswith("/worksheet"))

    @property
    def namespace(self) -> str:
        """The namespace of the workbook's elements."""
        root = outline(self._xml)
        return root.attributes.get(f"xmlns:{root.prefix[:-1]}" if root.prefix else "xmlns", "")

    def name_filter(self, place: int, name: str, covered: Range) -> None:
        """Say which cells the filter of a sheet covers, where Excel keeps it for itself."""
        xml = self._xml
        root = outline(xml)
        text = escape("'{}'!{}".format(name.replace("'", "''"), covered.absolute))
        for one in root.all("definedName"):
            if one.attribute("name") == _FILTER and one.attribute("localSheetId") == str(place):
                self._package.changes[self.path] = splice(xml, [Edit(one.inner, one.inner_end, text)])
                return
        p, group = root.prefix, root.first("definedNames")
        added = f'<{p}definedName name="{_FILTER}" localSheetId="{place}" hidden="1">{text}</{p}definedName>'
        if group is not None:
            edit = append_child(xml, group, added)
        else:
            end = max(child.end for child in root.children if child.name in _BEFORE_NAMES)
            edit = Edit(end, end, f"<{p}definedNames>{added}</{p}definedNames>")
        self._package.changes[self.path] = splice(xml, [edit])


def _relations_prefix(root: Element, namespace: str) -> tuple[str, str]:
    """The prefix of relations in a workbook, and its declaration, if there is none yet."""
    for name, value in root.attributes.items():
        if name.startswith("xmlns:") and value == namespace:
            return name.removeprefix("xmlns:"), ""
    return "filled", f" xmlns:filled={quoteattr(namespace)}"
