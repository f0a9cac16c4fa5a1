/** What a PUBACK's reason code means for the block it answers (MQTT 5 §3.4.2.1). */
export type Answer =
  /** The broker took it: custody `broker`. */
  | { readonly kind: 'receipt' }
  /** It will never be taken as it is: a dead letter. */
  | { readonly kind: 'rejected'; readonly cause: string }
  /** Not now, and no block of this class: keep all, try later from the oldest. */
  | { readonly kind: 'later'; readonly cause: string; readonly advice: string }
  /** Not this one now, perhaps because of what is in it: keep it, let the others pass. */
  | { readonly kind: 'aside'; readonly cause: string };

export function answerOf(reasonCode: number): Answer {
  switch (reasonCode) {
    case 0x00:
      return { kind: 'receipt' };
    case 0x10:
      return later('noSubscriber', 'the broker has nobody to give it to: does a receiver subscribe?');
    case 0x87:
      return later('notAuthorised', "the broker's access list refuses this topic");
    case 0x97:
      return later('quota', "the broker's quota is used up");
    case 0x90:
      return { kind: 'rejected', cause: 'topicInvalid' };
    case 0x95:
      return { kind: 'rejected', cause: 'packetTooLarge' };
    case 0x99:
      return { kind: 'rejected', cause: 'payloadInvalid' };
    default:
      return { kind: 'aside', cause: `reason0x${reasonCode.toString(16).padStart(2, '0')}` };
  }
}

function later(cause: string, advice: string): Answer {
  return { kind: 'later', cause, advice };
}
