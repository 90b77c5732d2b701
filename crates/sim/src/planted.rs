//! Bugs planted at the borders of the cores, which the checks have to find; none in the product.

/// See the module. The stores, the network and the clocks of a [`World`](crate::world::World)
/// misbehave in one of these ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    /// No bug.
    #[default]
    None,
    /// The server's store takes a message again when it is sent again.
    NoDedupe,
    /// The server's store says "stored" before it is.
    AcceptBeforeStoring,
    /// The server's store moves a device's cursor and loses the notes for the senders.
    LoseReceipts,
    /// The server's store keeps a member that was removed.
    KeepRemovedMember,
    /// The browser's store forgets how far the log was taken.
    ForgetCursor,
    /// The browser's store says "stored" before it is.
    BrowserStoresLate,
    /// The browser's store forgets what waits to be sent.
    ForgetOutbox,
    /// The browser's store forgets that a read notice waits.
    ForgetReadNotice,
    /// The browser never says that a tab is gone.
    ForgetTab,
    /// The network swaps two frames of one connection now and then.
    SwapFrames,
}

impl Planted {
    /// All that scripts without several tabs can find.
    pub const ALL: [Planted; 9] = [
        Planted::NoDedupe,
        Planted::AcceptBeforeStoring,
        Planted::LoseReceipts,
        Planted::KeepRemovedMember,
        Planted::ForgetCursor,
        Planted::BrowserStoresLate,
        Planted::ForgetOutbox,
        Planted::ForgetReadNotice,
        Planted::SwapFrames,
    ];
}
