/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What both ends of the bus call each other. The contract is org.sealwatch1.xml. */

#define SEALWATCH_BUS_NAME "org.sealwatch1"
#define SEALWATCH_BUS_PATH "/org/sealwatch1"
#define SEALWATCH_BUS_INTERFACE "org.sealwatch1.Manager"

#define SEALWATCH_ERROR_REFUSED "org.sealwatch1.Error.Refused" /* the answer is no */
#define SEALWATCH_ERROR_INVALID "org.sealwatch1.Error.Invalid" /* the request makes no sense */
#define SEALWATCH_ERROR_FAILED "org.sealwatch1.Error.Failed"   /* it was tried and did not work */
#define SEALWATCH_ERROR_BUSY "org.sealwatch1.Error.Busy"       /* too many requests at once */

enum { LIST_EVENTS_MAX = 1000 }; /* per call */
