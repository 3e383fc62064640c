package seal

import (
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// pcr7 is the register that a sealed key is bound to.
func pcr7() tpm2.TPMLPCRSelection {
	return tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{{Hash: tpm2.TPMAlgSHA256, PCRSelect: tpm2.PCClientCompatible.PCRs(7)}}}
}

// root is the storage root key: the same after each start, and never stored.
func root(t transport.TPM) (tpm2.AuthHandle, error) {
	r, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(t)
	if err != nil {
		return tpm2.AuthHandle{}, fmt.Errorf("storage root: %w", err)
	}
	return tpm2.AuthHandle{Handle: r.ObjectHandle, Name: r.Name, Auth: tpm2.PasswordAuth(nil)}, nil
}

// flush frees a place in a TPM that has few.
func flush(t transport.TPM, h tpm2.TPMHandle) error {
	_, err := tpm2.FlushContext{FlushHandle: h}.Execute(t)
	return err
}

// policy is the digest of "PCR 7 as it is now".
func policy(t transport.TPM) (_ tpm2.TPM2BDigest, err error) {
	s, end, err := tpm2.PolicySession(t, tpm2.TPMAlgSHA256, 16, tpm2.Trial())
	if err != nil {
		return tpm2.TPM2BDigest{}, fmt.Errorf("session: %w", err)
	}
	defer func() { err = errors.Join(err, end()) }()
	if _, err := (tpm2.PolicyPCR{PolicySession: s.Handle(), Pcrs: pcr7()}).Execute(t); err != nil {
		return tpm2.TPM2BDigest{}, fmt.Errorf("PCR 7: %w", err)
	}
	d, err := tpm2.PolicyGetDigest{PolicySession: s.Handle()}.Execute(t)
	if err != nil {
		return tpm2.TPM2BDigest{}, fmt.Errorf("policy: %w", err)
	}
	return d.PolicyDigest, nil
}

// sealKey has the TPM encrypt a key to itself.
func sealKey(t transport.TPM, key []byte) (public, private []byte, err error) {
	digest, err := policy(t)
	if err != nil {
		return nil, nil, err
	}
	parent, err := root(t)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, flush(t, parent.Handle)) }()
	r, err := tpm2.Create{
		ParentHandle: parent,
		InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
			Data: tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: key}),
		}},
		InPublic: tpm2.New2B(tpm2.TPMTPublic{
			Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256, AuthPolicy: digest,
			// Without UserWithAuth the policy is the only way to it.
			ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, NoDA: true},
		}),
	}.Execute(t)
	if err != nil {
		return nil, nil, fmt.Errorf("create: %w", err)
	}
	return tpm2.Marshal(r.OutPublic), tpm2.Marshal(r.OutPrivate), nil
}

// unsealKey has the TPM give a key back.
func unsealKey(t transport.TPM, f file) (key []byte, err error) {
	public, err := tpm2.Unmarshal[tpm2.TPM2BPublic](f.Public)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFormat, err)
	}
	private, err := tpm2.Unmarshal[tpm2.TPM2BPrivate](f.Private)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFormat, err)
	}
	parent, err := root(t)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, flush(t, parent.Handle)) }()
	loaded, err := tpm2.Load{ParentHandle: parent, InPublic: *public, InPrivate: *private}.Execute(t)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer func() { err = errors.Join(err, flush(t, loaded.ObjectHandle)) }()
	session := tpm2.Policy(tpm2.TPMAlgSHA256, 16, func(t transport.TPM, h tpm2.TPMISHPolicy, _ tpm2.TPM2BNonce) error {
		_, err := tpm2.PolicyPCR{PolicySession: h, Pcrs: pcr7()}.Execute(t)
		return err
	})
	r, err := tpm2.Unseal{ItemHandle: tpm2.AuthHandle{Handle: loaded.ObjectHandle, Name: loaded.Name, Auth: session}}.Execute(t)
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	return r.OutData.Buffer, nil
}
