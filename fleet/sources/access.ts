/** Who connects: an MQTT client, and how it shows that it is who it says. */
export interface Client {
  readonly id: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  /** The CN of a certificate that the broker's CA signed. */
  readonly certificateName: string | undefined;
}

const CLIENT_ID = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/;

/** Ids that can be a level of a topic and a name on a page. With a certificate, the id is its name. */
export function isClientId({ id, certificateName }: Pick<Client, 'id' | 'certificateName'>): boolean {
  return CLIENT_ID.test(id) && (certificateName === undefined || certificateName === id);
}

/** A client writes below its own id and nowhere else; receipts are the fleet's. */
export function mayPublish(id: string, topic: string): boolean {
  if (!CLIENT_ID.test(id)) return false;
  return topic === `senml/${id}` || (topic.startsWith(`cairn/1/${id}/`) && topic !== `cairn/1/${id}/receipt`);
}

/** It reads its receipts and nothing else: no wildcard can say more. */
export function maySubscribe(id: string, filter: string): boolean {
  return filter === `cairn/1/${id}/receipt`;
}
