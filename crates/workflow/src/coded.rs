//! Lists of the reference as types: each value with its stable code and what people call it.

/// Defines a type whose values are the lines of a table: variant, code, words. The two texts are read by the functions that it names.
macro_rules! coded {
    (
        $(#[$of_type:meta])* $name:ident;
        $(#[$of_all:meta])* ALL;
        $(#[$of_code:meta])* $code_fn:ident;
        $(#[$of_words:meta])* $words_fn:ident;
        $($variant:ident $code:literal $words:literal;)*
    ) => {
        $(#[$of_type])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = $words] $variant,)*
        }

        impl $name {
            $(#[$of_all])*
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            $(#[$of_code])*
            #[must_use]
            pub const fn $code_fn(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            $(#[$of_words])*
            #[must_use]
            pub const fn $words_fn(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

pub(crate) use coded;
