"""An uploaded file is named in a request by what the upload returned."""

from batch.kinds.file_parts import uploaded_part


def test_a_part_names_the_file_and_its_type() -> None:
    file = {"name": "files/a", "uri": "https://example.test/files/a", "mimeType": "application/pdf", "sizeBytes": "7"}
    assert uploaded_part(file) == {"fileData": {"fileUri": file["uri"], "mimeType": file["mimeType"]}}
