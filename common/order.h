/*
 * Entries of an array in an order, linked by their numbers, which is half the size of pointers and stays true when the array
 * moves. A table that is bounded keeps its entries so, the one silent longest first: that one makes room. An entry is in the
 * order by a member of it, an order_link; functions take that of entry 0, and the size of an entry. Pure.
 */
#ifndef WEIR_ORDER_H
#define WEIR_ORDER_H

#include <stddef.h>
#include <stdint.h>

#define ORDER_NONE UINT32_MAX /* before the first, behind the last */

struct order {
	uint32_t first, last; /* ORDER_NONE, both, when it is empty */
};
#define ORDER_EMPTY ((struct order){ ORDER_NONE, ORDER_NONE })

struct order_link {
	uint32_t prev, next;
};

static inline struct order_link *order_link_at(struct order_link *of_entry_0, size_t size, uint32_t i)
{
	return (struct order_link *)(void *)((char *)of_entry_0 + i * size);
}

/* i is not in the order, and is its last then. */
static inline void order_append(struct order *o, struct order_link *of_entry_0, size_t size, uint32_t i)
{
	*order_link_at(of_entry_0, size, i) = (struct order_link){ o->last, ORDER_NONE };
	if (o->last != ORDER_NONE)
		order_link_at(of_entry_0, size, o->last)->next = i;
	else
		o->first = i;
	o->last = i;
}

/* i is in the order. */
static inline void order_remove(struct order *o, struct order_link *of_entry_0, size_t size, uint32_t i)
{
	const struct order_link *l = order_link_at(of_entry_0, size, i);
	if (l->prev != ORDER_NONE)
		order_link_at(of_entry_0, size, l->prev)->next = l->next;
	else
		o->first = l->next;
	if (l->next != ORDER_NONE)
		order_link_at(of_entry_0, size, l->next)->prev = l->prev;
	else
		o->last = l->prev;
}

#endif
