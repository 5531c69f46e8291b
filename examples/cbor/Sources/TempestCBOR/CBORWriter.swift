// The writer that the codec hands out: Tempest's rules over the form of CBOR.
// Before it: a Value, Node or TokenBuffer. After it: CBORForm.

public import TempestCodecs

/// Writes one CBOR document.
public struct CBORWriter: FormWriting {
    /// The rules and the form.
    public var base: FormWriter<CBORForm>

    /// A writer for one document.
    init(limits: Limits) { base = FormWriter(CBORForm(), limits: limits) }
}
