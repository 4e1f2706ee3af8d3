"""Formats in which the page gives its figures away."""

FORMATS = {
    "csv": ("application/zip", "csv.zip"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    "json": ("application/json", "json"),
    "nc": ("application/x-netcdf", "nc"),
    "zip": ("application/zip", "zip"),
    "pypsa": ("application/x-netcdf", "pypsa.nc"),
}
"""Media type and ending of each format."""
