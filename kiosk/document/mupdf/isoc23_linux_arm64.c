// MuPDF's arm64 archive was compiled against a glibc that reads numbers by
// C23's rules under names of their own; Debian 12's has only the old names.
// The difference is the prefix 0b, which MuPDF does not use.
long strtol(const char *, char **, int);
unsigned long strtoul(const char *, char **, int);

long __isoc23_strtol(const char *s, char **end, int base) { return strtol(s, end, base); }
unsigned long __isoc23_strtoul(const char *s, char **end, int base) { return strtoul(s, end, base); }
