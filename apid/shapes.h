/* Other shapes of a list, as the parameter 'shape' asks for: they set what writes its records. */
#ifndef WEIR_SHAPES_H
#define WEIR_SHAPES_H

struct list;

/* annotations: [{"time", "timeEnd", "title", "text", "tags"}] */
void shape_alerts(struct list *l);
/* rows: [{"time", one member for each field of 'by', "bytes", ...}] */
void shape_series(struct list *l);

#endif
