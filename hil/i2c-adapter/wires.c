// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wires are files beside the misc device (/sys/class/misc/cairn-i2c-<n>):
 *
 *   sda_held    a part holds SDA low, and lets go at the so-manieth clock; 0 is nobody
 *   scl_held    1: a part holds SCL low
 *   recoveries, clocks, stops    what the controller did to free SDA, since the module was loaded
 *
 * A transfer that finds SDA low has the kernel recover the bus first (i2c_bus_recovery_info: up to 9 clocks and STOP), and fails
 * with EBUSY where that doesn't help; one that finds SCL low waits for it as long as a transfer may take, then fails with
 * ETIMEDOUT. When the server goes, its parts do, and let go of the wires.
 */
#include <linux/kernel.h>
#include <linux/sysfs.h>

#include "cairn_i2c.h"

static int get_scl(struct i2c_adapter *adapter)
{
	struct cairn_bus *bus = i2c_get_adapdata(adapter);
	int level;

	mutex_lock(&bus->lock);
	level = bus->wires.scl && !bus->wires.scl_held;
	mutex_unlock(&bus->lock);
	return level;
}

static void set_scl(struct i2c_adapter *adapter, int level)
{
	struct cairn_bus *bus = i2c_get_adapdata(adapter);

	mutex_lock(&bus->lock);
	if (level && !bus->wires.scl && !bus->wires.scl_held) {
		bus->wires.clocks++;
		if (bus->wires.sda_held)
			bus->wires.sda_held--;
	}
	bus->wires.scl = level;
	mutex_unlock(&bus->lock);
}

static int get_sda(struct i2c_adapter *adapter)
{
	struct cairn_bus *bus = i2c_get_adapdata(adapter);
	int level;

	mutex_lock(&bus->lock);
	level = bus->wires.sda && !bus->wires.sda_held;
	mutex_unlock(&bus->lock);
	return level;
}

/* SDA that rises while SCL is high is a STOP; it doesn't rise while a part holds it. */
static void set_sda(struct i2c_adapter *adapter, int level)
{
	struct cairn_bus *bus = i2c_get_adapdata(adapter);

	mutex_lock(&bus->lock);
	if (level && !bus->wires.sda && bus->wires.scl && !bus->wires.scl_held && !bus->wires.sda_held)
		bus->wires.stops++;
	bus->wires.sda = level;
	mutex_unlock(&bus->lock);
}

static struct i2c_bus_recovery_info cairn_recovery = {
	.recover_bus = i2c_generic_scl_recovery,
	.get_scl = get_scl,
	.set_scl = set_scl,
	.get_sda = get_sda,
	.set_sda = set_sda,
};

long cairn_wires_wait(struct cairn_bus *bus, long timeout)
{
	bool is_held;

	timeout = wait_event_timeout(bus->wires.scl_released, !READ_ONCE(bus->wires.scl_held), timeout);
	if (!timeout)
		return -ETIMEDOUT;
	mutex_lock(&bus->lock);
	is_held = bus->wires.sda_held;
	if (is_held)
		bus->wires.recoveries++;
	mutex_unlock(&bus->lock);
	if (is_held && i2c_recover_bus(&bus->adapter))
		return -EBUSY;
	return timeout;
}

static struct cairn_bus *bus_behind(struct device *device)
{
	return container_of(dev_get_drvdata(device), struct cairn_bus, misc);
}

static ssize_t sda_held_show(struct device *device, struct device_attribute *attribute, char *to)
{
	return sysfs_emit(to, "%u\n", READ_ONCE(bus_behind(device)->wires.sda_held));
}

static ssize_t sda_held_store(struct device *device, struct device_attribute *attribute, const char *from, size_t size)
{
	struct cairn_bus *bus = bus_behind(device);
	u32 clocks;
	int error = kstrtou32(from, 10, &clocks);

	if (error)
		return error;
	mutex_lock(&bus->lock);
	bus->wires.sda_held = clocks;
	mutex_unlock(&bus->lock);
	return size;
}
static DEVICE_ATTR_RW(sda_held);

static ssize_t scl_held_show(struct device *device, struct device_attribute *attribute, char *to)
{
	return sysfs_emit(to, "%d\n", READ_ONCE(bus_behind(device)->wires.scl_held));
}

static ssize_t scl_held_store(struct device *device, struct device_attribute *attribute, const char *from, size_t size)
{
	struct cairn_bus *bus = bus_behind(device);
	bool is_held;
	int error = kstrtobool(from, &is_held);

	if (error)
		return error;
	mutex_lock(&bus->lock);
	bus->wires.scl_held = is_held;
	mutex_unlock(&bus->lock);
	wake_up(&bus->wires.scl_released);
	return size;
}
static DEVICE_ATTR_RW(scl_held);

#define COUNTER(name) \
	static ssize_t name##_show(struct device *device, struct device_attribute *attribute, char *to) \
	{ \
		return sysfs_emit(to, "%u\n", READ_ONCE(bus_behind(device)->wires.name)); \
	} \
	static DEVICE_ATTR_RO(name)

COUNTER(recoveries);
COUNTER(clocks);
COUNTER(stops);

static struct attribute *cairn_attrs[] = {
	&dev_attr_sda_held.attr,
	&dev_attr_scl_held.attr,
	&dev_attr_recoveries.attr,
	&dev_attr_clocks.attr,
	&dev_attr_stops.attr,
	NULL,
};
ATTRIBUTE_GROUPS(cairn);

void cairn_wires_init(struct cairn_bus *bus)
{
	init_waitqueue_head(&bus->wires.scl_released);
	bus->wires.scl = true;
	bus->wires.sda = true;
	bus->adapter.bus_recovery_info = &cairn_recovery;
	bus->misc.groups = cairn_groups;
}

void cairn_wires_release(struct cairn_bus *bus)
{
	mutex_lock(&bus->lock);
	bus->wires.sda_held = 0;
	bus->wires.scl_held = false;
	mutex_unlock(&bus->lock);
	wake_up(&bus->wires.scl_released);
}
