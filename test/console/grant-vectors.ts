import { createPrivateKey, createPublicKey } from 'node:crypto';

/** RFC 8032 §7.1, tests 1 and 2: seed and public key. In front of them PKCS#8 and SPKI (RFC 8410). */
const OWNER = [
  '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
] as const;
const TECHNICIAN = [
  '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
] as const;

function pair([seed, key]: readonly [string, string]) {
  const der = (prefix: string, hex: string) =>
    ({ key: Buffer.from(prefix + hex, 'hex'), format: 'der' }) as const;
  return {
    privateKey: createPrivateKey({ ...der('302e020100300506032b657004220420', seed), type: 'pkcs8' }),
    publicKey: createPublicKey({ ...der('302a300506032b6570032100', key), type: 'spki' }),
  };
}

export const owner = pair(OWNER);
export const technician = pair(TECHNICIAN);
export const OWNER_ID = '21fe31dfa154a261';
export const TECHNICIAN_ID = '39f713d0a644253f';
export const NODE = '00112233aabbccdd';
export const CHALLENGE = `c1.${NODE}.AAECAwQFBgcICQoLDA0ODw`;

/**
 * All made by python3 with its packages `cbor2` 5.4 and `cryptography` 38, from the fields as docs/grants.md gives them: the technician's
 * key, role technician, this node, "A. Roe", epoch 7.
 */
export const GRANT =
  'g1.0oRNogEnBEgh_jHfoVSiYaBYQIYBWCA9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDGp0ZWNobmljaWFuSAARIjOqu8zdZkEuIFJvZQdYQHQqPiXa4QuQj-45ARLE2U4gUh0uFfmgYnbDbT1JkkKaSlUXdLRPSpvAWn0GN4TOz24QxZS6zlB-AJKexmUxOAU';
export const GRANT_VERSION_2 =
  'g1.0oRNogEnBEgh_jHfoVSiYaBYQIYCWCA9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDGp0ZWNobmljaWFuSAARIjOqu8zdZkEuIFJvZQdYQP0_TRzLgClCdr7_d-qJtMYT0ZS5mg6qO6fmZi_vozB_-S9fq8hVwfjVHX3wbL6quHXtgODf8yKLm4X5Sthaww4';
export const GRANT_ONE_FIELD_MORE =
  'g1.0oRNogEnBEgh_jHfoVSiYaBYRocBWCA9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDGp0ZWNobmljaWFuSAARIjOqu8zdZkEuIFJvZQdlbGF0ZXJYQJnWUdOs3CZSQHxRzkGT_6NBdDr-I5TH9_ld8lqffo4pNbLCVISZ5OKufriR11TJTFDFhp4OexGTANGHU79YNQE';
/** Epoch 8, the technician's key revoked. */
export const NOTICE =
  'n1.0oRNogEnBEgh_jHfoVSiYaBNgwEIgUg59xPQpkQlP1hA87C6OCJTDM5BlpMemAUSnf0lQ0mc1du6jdqLmSR4OcBl8z3JL0IP7C9dGC-SVfF6ifzvoBK8evXpJQ5X44AbCQ';
/** The same, signed for the purpose of a grant. */
export const NOTICE_SIGNED_AS_GRANT =
  'n1.0oRNogEnBEgh_jHfoVSiYaBNgwEIgUg59xPQpkQlP1hApoezQBR6yML_QqNkf14RROIDlGj6P3dIzDPTszYizzk3_PFWYJ2s4KwPr8rxlJTq2XQRMeVux31umNjUvKjzCg';
export const OWNERS_ANSWER =
  'Q6f3wRWpo4PQOZUR7tGzvYyxgRudztinCpPE_xPiF3f21RTGYo60qKKega-_bQzpa7senOcMRn2XXzTo-7OhAw';
export const TECHNICIANS_ANSWER = `E9FGsjiBaogbHOdcTr2UinmNwZtuTcwspS3EFwGk7lCEyiK07gFepyw9fGLkltulY097bgwT9JbsGUNaBwrkCg.${GRANT}`;
