/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 UART: the console. Registers follow ARM DDI 0183, chapter 3, with the manual's names; it
 * says that it is revision r1p1, whose FIFOs hold 16 words, as QEMU's does.
 *
 * There is no line, so nothing takes time. A byte written to UARTDR is in the chardev when the
 * write returns; only when that is full do bytes wait in the transmit FIFO, and UARTFR.TXFF,
 * UARTFR.BUSY and the transmit interrupt then say what a slow line would. Input is taken from the
 * chardev only as the receive FIFO has room, so none is lost. The receive timeout comes as soon
 * as words wait below the trigger level and no more have come: input never sits.
 *
 * Where it is kinder than the hardware:
 *   - output works before the guest sets UARTCR.UARTEN or TXE: early boot code often sets neither.
 *     Input needs UARTCR.RXE only, which is set after reset;
 *   - a reset of the machine does not drop output that was accepted, and switching the FIFOs on or
 *     off drops nothing at all;
 *   - a driver that clears both receive interrupts while it has both masked sees the receive FIFO
 *     empty once. Linux does that when it opens the port and then throws away whatever is there,
 *     which on a machine without a line would be what the user typed, or piped in, before;
 *   - CTS, DSR and DCD are asserted: somebody is there.
 *
 * Not modelled: baud rate, word length and parity (kept, without effect), IrDA, DMA, breaks sent
 * by the guest (except in loop-back), hardware flow control, the test registers.
 */
#ifndef DEVICES_PL011_H
#define DEVICES_PL011_H

#include "vmm/core/device.h"
#include "vmm/core/irq.h"
#include "vmm/host/chardev.h"

/*
 * @irq and @chr are borrowed and outlive the device, which attaches itself to @chr until it is
 * destroyed. NULL and @e set when memory is short.
 */
struct device *pl011_create(uint64_t base, uint64_t size, struct irq_line *irq, struct chardev *chr,
			    struct err *e) MUST_CHECK;

/*
 * A break comes in on the line: what Ctrl-a b asks for, and Linux's magic SysRq. It comes after
 * what is in the receive FIFO and before what still waits in the chardev. Any thread; takes the
 * device's lock.
 */
void pl011_break(struct device *d);

#endif
