"""Tables as lists of rows by column name, in CSV files."""
import csv
import struct


def read(file):
    with open(file, newline="") as stream:
        return list(csv.DictReader(stream))


def write(file, rows):
    with open(file, "w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return file


def as_float(text):
    """The float that the shortest text stands for."""
    return struct.unpack("f", struct.pack("f", float(text)))[0]
