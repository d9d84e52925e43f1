/* page_internal.h - the page's style sheet, for page.c. */
#ifndef BASE_PAGE_INTERNAL_H
#define BASE_PAGE_INTERNAL_H

extern const char page_style[];

#endif
