// An authenticator for passkeys that Chromium simulates, by the DevTools protocol (domain WebAuthn).

/**
 * Gives the pages of a visitor an authenticator as a phone or a computer has it: it keeps the passkey and knows its user. It returns
 * `{ credentials(), setVerified(yes), remove() }`: the passkeys that it holds, whether the user proves who they are from now on, its end. `setPresent(no)` lets it wait for a touch: a browser that proposes
 * passkeys in a field takes one that does not wait by itself.
 */
export async function addAuthenticator(visitor, options = {}) {
  const session = await visitor.context.newCDPSession(visitor.page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true, ...options,
    },
  });
  return {
    credentials: async () => (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    setVerified: (isUserVerified) => session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    setPresent: (enabled) => session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled }),
    remove: () => session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }),
  };
}
