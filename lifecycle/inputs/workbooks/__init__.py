"""Read a sheet of a workbook in a process of its own, since broken ones can end the process that reads them."""
