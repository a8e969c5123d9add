"""The sections of a document, read one by one."""
