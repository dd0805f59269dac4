// What reading and writing CSV files share.
#ifndef APUS_IO_CSV_H
#define APUS_IO_CSV_H

#include <locale.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

#include "io/value.h"
#include "io/writer.h"

/// The options in effect: those of a caller who was compiled with a shorter struct too. Fails for a separator that
/// could be part of a number or a quote.
apus_status apus__csv_options(apus_csv_options *options, const apus_csv_options *given);

/// Numbers are read and written as in C, whatever locale the program has set; undone by apus__end_c_locale.
typedef struct apus__c_locale {
    locale_t c, before;
} apus__c_locale;

apus_status apus__begin_c_locale(apus__c_locale *l);
void apus__end_c_locale(const apus__c_locale *l);

#endif
