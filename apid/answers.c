#include "answers.h"

#include <stdlib.h>

struct place {
	struct buf question;
	struct answer *answer; /* NULL: nothing is here */
	uint64_t used;         /* number of the use */
};

struct answers {
	struct place places[ANSWERS_MAX];
	uint64_t uses;
};

struct answers *answers_new(void)
{
	return xcalloc(1, sizeof(struct answers));
}

void answer_release(struct answer *a)
{
	if (!a || --a->holders)
		return;
	buf_release(&a->body);
	free(a->next);
	free(a);
}

void answers_free(struct answers *a)
{
	for (struct place *p = a->places; p < a->places + ANSWERS_MAX; p++) {
		answer_release(p->answer);
		buf_release(&p->question);
	}
	free(a);
}

static struct place *find(struct answers *a, const struct buf *question)
{
	for (struct place *p = a->places; p < a->places + ANSWERS_MAX; p++)
		if (p->answer && p->question.len == question->len && memcmp(p->question.p, question->p, question->len) == 0)
			return p;
	return NULL;
}

struct answer *answers_find(struct answers *a, const struct buf *question)
{
	struct place *p = find(a, question);
	if (!p)
		return NULL;
	p->used = ++a->uses;
	p->answer->holders++;
	return p->answer;
}

static struct place *make_room(struct answers *a, const struct buf *question)
{
	struct place *oldest = a->places;
	for (struct place *p = a->places; p < a->places + ANSWERS_MAX; p++)
		if (p->used < oldest->used)
			oldest = p;
	buf_reset(&oldest->question);
	buf_add(&oldest->question, question->p, question->len);
	oldest->used = ++a->uses;
	return oldest;
}

void answers_keep(struct answers *a, const struct buf *question, uint64_t revision, const struct buf *body, const char *next)
{
	if (body->len > ANSWERS_MAX_BYTES)
		return;
	struct place *p = find(a, question);
	if (!p)
		p = make_room(a, question);
	answer_release(p->answer);
	p->answer = xcalloc(1, sizeof *p->answer);
	*p->answer = (struct answer){ .holders = 1, .revision = revision, .next = xstrdup(next) };
	buf_add(&p->answer->body, body->p, body->len);
}
