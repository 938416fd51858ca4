//! One struct, two shapes: defines a domain type and its conversion from and to the wire type of the
//! same name, field by field, so that no conversion is written by hand and none is forgotten.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::hash::Hash;
use crate::ids::{
    ApprovalId, CommandId, CommentId, CorrelationId, DraftId, EventId, KeyId, SideId, SuggestionId, SurveyId,
    TaskId, TicketId,
};
use crate::rejection::FieldError;
use crate::text::{Line, Text};
use crate::time::Timestamp;

/// A type with a shape on the wire.
pub trait Wire: Sized {
    /// The field type that prost generates.
    type Repr;

    /// Checks and takes over.
    ///
    /// # Errors
    /// The field and the rule that it breaks.
    fn from_wire(repr: Self::Repr) -> Result<Self, FieldError>;

    /// The way back; never fails.
    fn to_wire(self) -> Self::Repr;
}

/// Implements [`Wire`] for a type, its option and its list.
macro_rules! scalar {
    ([$($generics:tt)*] $type:ty, $repr:ty, |$r:ident| $from:expr, |$v:ident| $to:expr) => {
        impl<$($generics)*> $crate::mirror::Wire for $type {
            type Repr = $repr;
            fn from_wire($r: $repr) -> Result<Self, $crate::rejection::FieldError> {
                $from
            }
            fn to_wire(self) -> $repr {
                let $v = self;
                $to
            }
        }
        impl<$($generics)*> $crate::mirror::Wire for Option<$type> {
            type Repr = Option<$repr>;
            fn from_wire(repr: Option<$repr>) -> Result<Self, $crate::rejection::FieldError> {
                repr.map(<$type as $crate::mirror::Wire>::from_wire).transpose()
            }
            fn to_wire(self) -> Option<$repr> {
                self.map($crate::mirror::Wire::to_wire)
            }
        }
        impl<$($generics)*> $crate::mirror::Wire for Vec<$type> {
            type Repr = Vec<$repr>;
            fn from_wire(repr: Vec<$repr>) -> Result<Self, $crate::rejection::FieldError> {
                repr.into_iter()
                    .enumerate()
                    .map(|(i, r)| <$type as $crate::mirror::Wire>::from_wire(r).map_err(|e| e.at_index(i)))
                    .collect()
            }
            fn to_wire(self) -> Vec<$repr> {
                self.into_iter().map($crate::mirror::Wire::to_wire).collect()
            }
        }
    };
}

/// Implements [`Wire`] for a type whose wire shape is a message: required, and optional.
macro_rules! message {
    ($type:ty, $repr:ty, |$r:ident| $from:expr, |$v:ident| $to:expr) => {
        impl $crate::mirror::Wire for $type {
            type Repr = Option<$repr>;
            fn from_wire(repr: Option<$repr>) -> Result<Self, $crate::rejection::FieldError> {
                let $r = repr.ok_or_else(|| $crate::rejection::FieldError::rule("is required"))?;
                $from
            }
            fn to_wire(self) -> Option<$repr> {
                let $v = self;
                Some($to)
            }
        }
        impl $crate::mirror::Wire for Option<$type> {
            type Repr = Option<$repr>;
            fn from_wire(repr: Option<$repr>) -> Result<Self, $crate::rejection::FieldError> {
                repr.map(|r| <$type as $crate::mirror::Wire>::from_wire(Some(r))).transpose()
            }
            fn to_wire(self) -> Option<$repr> {
                self.and_then($crate::mirror::Wire::to_wire)
            }
        }
    };
}

/// Defines a struct and its mirror on the wire.
macro_rules! mirror {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        message!($name, $crate::wire::$name,
            |w| Ok(Self { $($field: <$type as $crate::mirror::Wire>::from_wire(w.$field).map_err(|e| e.in_field(stringify!($field)))?,)* }),
            |v| $crate::wire::$name { $($field: $crate::mirror::Wire::to_wire(v.$field),)* });
    };
}

fn uuid(bytes: &[u8]) -> Result<Uuid, FieldError> {
    match bytes {
        [] => Err(FieldError::rule("is required")),
        _ => Uuid::from_slice(bytes).map_err(|_| FieldError::rule("must be a UUID of 16 bytes")),
    }
}

scalar!([] String, String, |r| Ok(r), |v| v);
scalar!([] bool, bool, |r| Ok(r), |v| v);
scalar!([] u32, u32, |r| Ok(r), |v| v);
scalar!([] u64, u64, |r| Ok(r), |v| v);
scalar!([] Timestamp, i64, |r| Timestamp::new(r).ok_or_else(|| FieldError::rule("must be a time of the years 0 to 9999")), |v| v.0);
scalar!([] TicketId, Vec<u8>, |r| uuid(&r).map(TicketId), |v| v.0.as_bytes().to_vec());
scalar!([] CommandId, Vec<u8>, |r| uuid(&r).map(CommandId), |v| v.0.as_bytes().to_vec());
scalar!([] EventId, Vec<u8>, |r| uuid(&r).map(EventId), |v| v.0.as_bytes().to_vec());
scalar!([] CommentId, Vec<u8>, |r| uuid(&r).map(CommentId), |v| v.0.as_bytes().to_vec());
scalar!([] CorrelationId, Vec<u8>, |r| uuid(&r).map(CorrelationId), |v| v.0.as_bytes().to_vec());
scalar!([] KeyId, Vec<u8>, |r| uuid(&r).map(KeyId), |v| v.0.as_bytes().to_vec());
scalar!([] SurveyId, Vec<u8>, |r| uuid(&r).map(SurveyId), |v| v.0.as_bytes().to_vec());
scalar!([] TaskId, Vec<u8>, |r| uuid(&r).map(TaskId), |v| v.0.as_bytes().to_vec());
scalar!([] DraftId, Vec<u8>, |r| uuid(&r).map(DraftId), |v| v.0.as_bytes().to_vec());
scalar!([] SideId, Vec<u8>, |r| uuid(&r).map(SideId), |v| v.0.as_bytes().to_vec());
scalar!([] SuggestionId, Vec<u8>, |r| uuid(&r).map(SuggestionId), |v| v.0.as_bytes().to_vec());
scalar!([] ApprovalId, Vec<u8>, |r| uuid(&r).map(ApprovalId), |v| v.0.as_bytes().to_vec());
scalar!([] Hash, Vec<u8>, |r| Hash::from_slice(&r).ok_or_else(|| FieldError::rule("must be a SHA-256 of 32 bytes")), |v| v.0.to_vec());
scalar!([const MAX: usize] Line<MAX>, String, |r| Self::parse(r), |v| v.into());
scalar!([const MAX: usize] Text<MAX>, String, |r| Self::parse(r), |v| v.into());

impl<T: Wire<Repr = Option<R>>, R> Wire for BTreeMap<String, T> {
    type Repr = BTreeMap<String, R>;

    fn from_wire(repr: Self::Repr) -> Result<Self, FieldError> {
        repr.into_iter()
            .map(|(k, v)| T::from_wire(Some(v)).map_err(|e| e.in_field(&k)).map(|v| (k, v)))
            .collect()
    }

    fn to_wire(self) -> Self::Repr {
        self.into_iter().filter_map(|(k, v)| v.to_wire().map(|v| (k, v))).collect()
    }
}
