// The files of the web pages, which lie in Web/ and are compiled in as they are.
#pragma once

#include <stddef.h>

typedef struct {
    /// The file's name, such as style.css.
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t count;
} kettle_web_file;

/// The file of that number, from 0; NULL behind the last.
const kettle_web_file *_Nullable kettle_web_file_at(size_t index);
