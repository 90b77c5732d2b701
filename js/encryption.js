// End-to-end encryption, which this version does not have: every question is answered so, and no
// setting is taken, so that no page believes in what is not there.

import { constants } from "./constants.js";

const SETTERS = [
  "enable",
  "enableSecureOnly",
  "reset",
  "setLevel",
  "setCiphers",
  "setPassword",
  "setAuthenticationTaglen",
  "setAuthenticationData",
  "setPrivateCertificate",
  "setPeerCertificate",
  "setConfig",
];
const TEXTS = [
  "getPublicCertificate",
  "getPeerCertificateOrg",
  "getPeerCertificateCommonName",
  "getFingerprint",
  "getUserFingerprint",
  "getFingerprintPart",
];

/** What `e2ee()` is, of the API object and of each profile. */
export class MesiboEndToEndEncryption {
  isEnabled() {
    return false;
  }
  isActive() {
    return false;
  }
  getStatus() {
    return constants.MESIBO_E2ESTATUS_NONE;
  }
}
for (const name of SETTERS) {
  MesiboEndToEndEncryption.prototype[name] = function () {
    console.warn(`mesibo: e2ee().${name}: end-to-end encryption is not part of this version`);
    return false;
  };
}
for (const name of TEXTS) {
  MesiboEndToEndEncryption.prototype[name] = () => null;
}

export const endToEnd = () => new MesiboEndToEndEncryption();
