#include <archive.h>
#include <archive_entry.h>
// libarchive passes over gzip's checksums and over what follows its stream; KettleSource/GzipStream.swift does not.
#include <zlib.h>
