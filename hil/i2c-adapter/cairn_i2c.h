/* SPDX-License-Identifier: GPL-2.0-only */
/* What both files of the module cairn_i2c know. */
#ifndef CAIRN_I2C_H
#define CAIRN_I2C_H

#include <linux/completion.h>
#include <linux/i2c.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/wait.h>

enum state { IDLE, WAITING, TAKEN, ANSWERED };

/* SDA and SCL: who holds them, and what the controller did to free them. Of the bus's lock. */
struct cairn_wires {
	wait_queue_head_t scl_released;
	u32 sda_held; /* clocks until the part lets go */
	bool scl_held;
	bool scl, sda; /* as the controller drives them */
	u32 recoveries, clocks, stops;
};

/* Lives as long as the module, not as long as the file: the adapter stays when its server goes. */
struct cairn_bus {
	struct i2c_adapter adapter;
	struct miscdevice misc;
	char name[16];
	struct mutex lock; /* of all below */
	wait_queue_head_t requested;
	struct completion answered;
	bool served;
	enum state state;
	u32 id;
	int result;
	struct i2c_msg *messages; /* the caller's; only while a transfer is under way */
	int count;
	struct cairn_wires wires;
};

/* Makes a bus's wires, before its adapter and its misc device are registered. */
void cairn_wires_init(struct cairn_bus *bus);

/* As a controller sees to its wires before START: the jiffies that are left of `timeout`, or a negative errno. */
long cairn_wires_wait(struct cairn_bus *bus, long timeout);

/* Every part lets go: the power is off. */
void cairn_wires_release(struct cairn_bus *bus);

#endif
