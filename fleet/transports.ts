import { httpSms, mailTransport, type ProbedTransport, Reachable, spoolSms } from './alerts/index.js';
import { type FleetConfig, isLoopbackHost } from './config/index.js';
import { secretIn } from './secrets.js';

/** Who carries alerts to people, as the file says. */
export function transportsOf({ mail, sms }: FleetConfig): readonly Reachable[] {
  const transports = [...(mail ? [mailOf(mail)] : []), ...(sms ? [smsOf(sms)] : [])];
  return transports.map((transport) => new Reachable(transport));
}

function mailOf({ url, from, passwordFile }: NonNullable<FleetConfig['mail']>): ProbedTransport {
  const { protocol, hostname, port, username } = new URL(url);
  const isTls = protocol === 'smtps:';
  return mailTransport({
    ...{ host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port || (isTls ? 465 : 587)), from },
    security: isTls ? 'tls' : isLoopbackHost(hostname) ? 'none' : 'starttls',
    ...(username && { user: decodeURIComponent(username) }),
    ...(passwordFile && { password: secretIn(passwordFile) }),
  });
}

function smsOf(sms: NonNullable<FleetConfig['sms']>): ProbedTransport {
  if ('spool' in sms) return spoolSms({ outgoing: sms.spool });
  return httpSms({
    url: sms.gateway,
    body: '{"to":"{to}","text":"{text}","id":"{id}"}',
    ...(sms.tokenFile && { headers: { authorization: `Bearer ${secretIn(sms.tokenFile)}` } }),
  });
}
