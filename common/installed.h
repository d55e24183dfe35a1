/*
 * What comes with weir: beside the program that runs, in a build as below any prefix. Never by the working directory, so that a run
 * is the same from wherever it was started.
 */
#ifndef WEIR_INSTALLED_H
#define WEIR_INSTALLED_H

/* Paths, to be freed: of a program such as weir-checks, and of a directory such as lua. If neither is here, where it should be. */
char *installed_program(const char *name);
char *installed_data(const char *name);

#endif
