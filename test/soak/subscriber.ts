import { connectAsync } from 'mqtt';

/** Somebody who listens: without one, MQTT 5 gives no receipts. */
export async function startSubscriber(port: number): Promise<{ stop(): void }> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`);
  await client.subscribeAsync('cairn/#', { qos: 0 });
  return { stop: () => void client.end(true) };
}
