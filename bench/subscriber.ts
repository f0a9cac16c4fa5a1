import { connectAsync } from 'mqtt';

/** A process that takes all there is: without a subscriber MQTT 5 acknowledges differently, and a broker does less. */
const client = await connectAsync(process.argv[2] ?? '', { protocolVersion: 5 });
await client.subscribeAsync('#', { qos: 0 });
process.stdout.write('ready\n');
