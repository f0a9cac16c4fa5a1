// SPDX-License-Identifier: GPL-2.0-only
/*
 * I2C adapters whose parts live in user space. Each bus is a real i2c_adapter, /dev/i2c-<first + n>, and a misc device
 * /dev/cairn-i2c-<n> that one server holds open. A read() there gives one request, a write() answers it; all numbers are in
 * the machine's byte order:
 *
 *   request  u32 id, u32 timeout in ms, u32 messages; a message: u16 address, u16 flags, u32 length; then the bytes of all writes
 *   answer   u32 id, s32 negative errno or 0; then, if 0, the bytes of all reads
 *
 * A transfer without a server, or whose server goes away, ends with ENXIO at once; one that is not answered, with ETIMEDOUT.
 * An answer that comes too late is refused with ECANCELED, one of the wrong length with EINVAL. A block that is longer than
 * SMBus lets it be is a transfer that ends with EPROTO.
 *
 * What becomes of a transfer while a part holds a wire is told in wires.c.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "cairn_i2c.h"

#define MAX_BUSES 8
#define MAX_BYTES 65536
#define MAX_TIMEOUT_MS 60000

static unsigned int buses = 2;
module_param(buses, uint, 0444);
MODULE_PARM_DESC(buses, "adapters to make, 1 to 8");
static unsigned int first = 10;
module_param(first, uint, 0444);
MODULE_PARM_DESC(first, "number of the first adapter");
static unsigned int timeout_ms = 1000;
module_param(timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms, "how long a transfer may take, 1 to 60000 ms");

struct request_header {
	__u32 id;
	__u32 timeout_ms;
	__u32 messages;
};

struct message_header {
	__u16 address;
	__u16 flags;
	__u32 length;
};

struct answer_header {
	__u32 id;
	__s32 error;
};

static struct cairn_bus *all[MAX_BUSES];

static void finish(struct cairn_bus *bus, int result)
{
	bus->result = result;
	bus->state = ANSWERED;
	complete(&bus->answered);
}

static int cairn_xfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	struct cairn_bus *bus = i2c_get_adapdata(adapter);
	/* An ioctl changes the adapter's, for everyone and to anything. */
	long timeout = clamp_t(long, adapter->timeout, 1, msecs_to_jiffies(MAX_TIMEOUT_MS));
	int result;

	timeout = cairn_wires_wait(bus, timeout);
	if (timeout < 0)
		return timeout;
	mutex_lock(&bus->lock);
	if (!bus->served) {
		mutex_unlock(&bus->lock);
		return -ENXIO;
	}
	bus->id++;
	bus->messages = messages;
	bus->count = count;
	bus->state = WAITING;
	reinit_completion(&bus->answered);
	mutex_unlock(&bus->lock);

	wake_up_interruptible(&bus->requested);
	wait_for_completion_timeout(&bus->answered, timeout);

	/* Answers are copied under the same lock: after this no late one touches the caller's memory. */
	mutex_lock(&bus->lock);
	result = bus->state == ANSWERED ? bus->result : -ETIMEDOUT;
	bus->state = IDLE;
	bus->messages = NULL;
	mutex_unlock(&bus->lock);
	return result < 0 ? result : count;
}

/* EMUL_ALL, because plain EMUL lacks SMBus block read. */
static u32 cairn_functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL_ALL;
}

static const struct i2c_algorithm cairn_algorithm = {
	.master_xfer = cairn_xfer,
	.functionality = cairn_functionality,
};

static struct cairn_bus *bus_of(struct file *file)
{
	return container_of(file->private_data, struct cairn_bus, misc);
}

static int cairn_open(struct inode *inode, struct file *file)
{
	struct cairn_bus *bus = bus_of(file);
	int error = 0;

	mutex_lock(&bus->lock);
	if (bus->served)
		error = -EBUSY;
	else
		bus->served = true;
	mutex_unlock(&bus->lock);
	return error ? error : stream_open(inode, file);
}

static int cairn_release(struct inode *inode, struct file *file)
{
	struct cairn_bus *bus = bus_of(file);

	mutex_lock(&bus->lock);
	bus->served = false;
	if (bus->state == WAITING || bus->state == TAKEN)
		finish(bus, -ENXIO);
	mutex_unlock(&bus->lock);
	cairn_wires_release(bus);
	return 0;
}

static size_t request_size(const struct cairn_bus *bus)
{
	size_t size = sizeof(struct request_header) + bus->count * sizeof(struct message_header);
	int i;

	for (i = 0; i < bus->count; i++)
		if (!(bus->messages[i].flags & I2C_M_RD))
			size += bus->messages[i].len;
	return size;
}

static void put_request(const struct cairn_bus *bus, u8 *out)
{
	const struct request_header header = {
		.id = bus->id,
		.timeout_ms = jiffies_to_msecs(bus->adapter.timeout),
		.messages = bus->count,
	};
	int i;

	memcpy(out, &header, sizeof(header));
	out += sizeof(header);
	for (i = 0; i < bus->count; i++) {
		const struct i2c_msg *message = &bus->messages[i];
		const struct message_header one = { message->addr, message->flags, message->len };

		memcpy(out, &one, sizeof(one));
		out += sizeof(one);
	}
	for (i = 0; i < bus->count; i++) {
		if (bus->messages[i].flags & I2C_M_RD)
			continue;
		memcpy(out, bus->messages[i].buf, bus->messages[i].len);
		out += bus->messages[i].len;
	}
}

/* One request to the server, with the lock held. */
static ssize_t give_request(struct cairn_bus *bus, char __user *to, size_t size)
{
	size_t needed;
	u8 *bytes;
	ssize_t result;

	if (bus->state != WAITING)
		return -EAGAIN;
	needed = request_size(bus);
	if (needed > size || needed > MAX_BYTES)
		return -EMSGSIZE;
	bytes = kmalloc(needed, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	put_request(bus, bytes);
	result = copy_to_user(to, bytes, needed) ? -EFAULT : (ssize_t)needed;
	kfree(bytes);
	if (result > 0)
		bus->state = TAKEN;
	return result;
}

static ssize_t cairn_read(struct file *file, char __user *to, size_t size, loff_t *at)
{
	struct cairn_bus *bus = bus_of(file);
	ssize_t result;

	for (;;) {
		mutex_lock(&bus->lock);
		result = give_request(bus, to, size);
		mutex_unlock(&bus->lock);
		if (result != -EAGAIN || (file->f_flags & O_NONBLOCK))
			return result;
		if (wait_event_interruptible(bus->requested, READ_ONCE(bus->state) == WAITING))
			return -ERESTARTSYS;
	}
}

/* The bytes of all reads to the caller's messages, with the lock held. A block's first byte is its length (SMBus 6.5.7). */
static int take_bytes(struct cairn_bus *bus, const u8 *bytes, size_t size)
{
	size_t at = 0;
	int i;

	for (i = 0; i < bus->count; i++) {
		const struct i2c_msg *message = &bus->messages[i];
		size_t length = message->len;

		if (!(message->flags & I2C_M_RD))
			continue;
		if (message->flags & I2C_M_RECV_LEN) {
			if (at >= size || bytes[at] < 1 || bytes[at] > I2C_SMBUS_BLOCK_MAX)
				return -EPROTO;
			length += bytes[at];
		}
		if (length > size - at)
			return -EINVAL;
		at += length;
	}
	if (at != size)
		return -EINVAL;
	for (i = 0, at = 0; i < bus->count; i++) {
		struct i2c_msg *message = &bus->messages[i];

		if (!(message->flags & I2C_M_RD))
			continue;
		if (message->flags & I2C_M_RECV_LEN)
			message->len += bytes[at];
		memcpy(message->buf, bytes + at, message->len);
		at += message->len;
	}
	return 0;
}

static int take_answer(struct cairn_bus *bus, const u8 *bytes, size_t size)
{
	struct answer_header header;
	int error = 0;

	memcpy(&header, bytes, sizeof(header));
	if (bus->state != TAKEN || header.id != bus->id)
		return -ECANCELED;
	if (header.error > 0 || header.error < -MAX_ERRNO)
		return -EINVAL;
	if (header.error == 0)
		error = take_bytes(bus, bytes + sizeof(header), size - sizeof(header));
	if (error == -EPROTO) { /* the part's fault, not the server's: its caller is told */
		finish(bus, error);
		return 0;
	}
	if (error == 0)
		finish(bus, header.error);
	return error;
}

static ssize_t cairn_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	struct cairn_bus *bus = bus_of(file);
	u8 *bytes;
	int error;

	if (size < sizeof(struct answer_header) || size > MAX_BYTES)
		return -EINVAL;
	bytes = memdup_user(from, size);
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	mutex_lock(&bus->lock);
	error = take_answer(bus, bytes, size);
	mutex_unlock(&bus->lock);
	kfree(bytes);
	return error ? error : (ssize_t)size;
}

static __poll_t cairn_poll(struct file *file, poll_table *wait)
{
	struct cairn_bus *bus = bus_of(file);

	poll_wait(file, &bus->requested, wait);
	return READ_ONCE(bus->state) == WAITING ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations cairn_operations = {
	.owner = THIS_MODULE,
	.open = cairn_open,
	.release = cairn_release,
	.read = cairn_read,
	.write = cairn_write,
	.poll = cairn_poll,
};

static int make_bus(unsigned int number)
{
	struct cairn_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL);
	int error;

	if (!bus)
		return -ENOMEM;
	mutex_init(&bus->lock);
	init_waitqueue_head(&bus->requested);
	init_completion(&bus->answered);
	snprintf(bus->name, sizeof(bus->name), "cairn-i2c-%u", number);
	bus->misc.minor = MISC_DYNAMIC_MINOR;
	bus->misc.name = bus->name;
	bus->misc.fops = &cairn_operations;
	bus->adapter.owner = THIS_MODULE;
	bus->adapter.algo = &cairn_algorithm;
	bus->adapter.timeout = msecs_to_jiffies(timeout_ms);
	bus->adapter.nr = first + number;
	strscpy(bus->adapter.name, bus->name, sizeof(bus->adapter.name));
	i2c_set_adapdata(&bus->adapter, bus);
	cairn_wires_init(bus);
	error = i2c_add_numbered_adapter(&bus->adapter);
	if (error)
		goto free;
	error = misc_register(&bus->misc);
	if (error)
		goto remove;
	all[number] = bus;
	return 0;
remove:
	i2c_del_adapter(&bus->adapter);
free:
	kfree(bus);
	return error;
}

static void cairn_exit(void)
{
	unsigned int i;

	for (i = 0; i < MAX_BUSES; i++) {
		if (!all[i])
			continue;
		i2c_del_adapter(&all[i]->adapter);
		misc_deregister(&all[i]->misc);
		kfree(all[i]);
		all[i] = NULL;
	}
}

static int __init cairn_init(void)
{
	unsigned int i;
	int error;

	if (buses < 1 || buses > MAX_BUSES || timeout_ms < 1 || timeout_ms > MAX_TIMEOUT_MS)
		return -EINVAL;
	for (i = 0; i < buses; i++) {
		error = make_bus(i);
		if (error) {
			cairn_exit();
			return error;
		}
	}
	return 0;
}

module_init(cairn_init);
module_exit(cairn_exit);
MODULE_DESCRIPTION("I2C adapters served from user space");
MODULE_LICENSE("GPL");
