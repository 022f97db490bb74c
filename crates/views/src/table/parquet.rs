//! Parquet. Equal rows give equal bytes: rows come in the caller's order, row groups end at a fixed count, and no clock is read.

use super::writer::{TableWriter, check_width};
use crate::ViewError;
use crate::column::{Cell, Column, Kind};
use crate::decimal::Decimal;
use crate::limits::{ROW_GROUP_BYTES, ROW_GROUP_ROWS};
use crate::moment::Moment;
use ::parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use ::parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use ::parquet::errors::Result as ParquetResult;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::{ColumnPath, Type};
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

/// Digits and decimals of a DECIMAL column.
const PRECISION: i32 = 38;
const SCALE: i32 = 9;
/// Digits, decimals and a sign fit 16 bytes.
const DECIMAL_BYTES: i32 = 16;
/// Level of zstd: a third smaller than level 1 for codes and texts, and not yet the slowest part.
const ZSTD_LEVEL: i32 = 3;
/// Values that are handed to the encoder at a time.
const BATCH: usize = 1_024;

pub(super) struct ParquetTable {
    file: SerializedFileWriter<Box<dyn Write + Send>>,
    columns: Vec<Column>,
    /// One for each Parquet column.
    buffers: Vec<Buffer>,
    /// Number of the first Parquet column of each column.
    first: Vec<usize>,
    rows: usize,
}

/// How a cell is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    Text,
    Boolean,
    Integer,
    Decimal,
    Day,
    Millis,
}

/// The values of one Parquet column in the current row group.
struct Buffer {
    list: bool,
    /// Definition level of each slot: the highest one for a value.
    definition: Vec<i16>,
    /// Repetition level of each slot of a list.
    repetition: Vec<i16>,
    values: Values,
}

enum Values {
    /// All texts one after the other, and where each ends.
    Texts(Vec<u8>, Vec<usize>),
    Booleans(Vec<bool>),
    Integers(Vec<i64>),
    Days(Vec<i32>),
    Decimals(Vec<i128>),
}

/// Whether a column has a second one for the texts that its type cannot hold.
fn has_text_column(column: &Column) -> bool {
    !column.collection && (column.kind == Kind::Date || (column.kind == Kind::Instant && column.fhir_type != "instant"))
}

fn text_column_name(column: &Column) -> String {
    format!("{}_text", column.name)
}

fn storage(column: &Column) -> Storage {
    match column.kind {
        Kind::Text | Kind::Code => Storage::Text,
        Kind::Boolean => Storage::Boolean,
        Kind::Integer => Storage::Integer,
        Kind::Decimal => Storage::Decimal,
        // A list has no second column beside it.
        Kind::Date | Kind::Instant if column.collection => Storage::Text,
        Kind::Date => Storage::Day,
        Kind::Instant => Storage::Millis,
    }
}

impl ParquetTable {
    pub(super) fn new(out: Box<dyn Write + Send>, columns: &[Column], metadata: &[(String, String)]) -> Result<Self, ViewError> {
        let mut names: BTreeSet<String> = columns.iter().map(|c| c.name.clone()).collect();
        let (mut fields, mut buffers, mut first) = (Vec::new(), Vec::new(), Vec::new());
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("annuaire-views version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_key_value_metadata(Some(metadata.iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone())).collect()));
        for column in columns {
            first.push(fields.len());
            let storage = storage(column);
            fields.push(Arc::new(field(&column.name, storage, column.collection)?));
            buffers.push(Buffer::new(storage, column.collection));
            if column.fhir_type == "id" {
                // Ids do not repeat: a dictionary would be made and given up in each row group.
                properties = properties.set_column_dictionary_enabled(ColumnPath::from(column.name.as_str()), false);
            }
            if has_text_column(column) {
                let name = text_column_name(column);
                if !names.insert(name.clone()) {
                    let what = format!("the name `{name}` is taken, and is needed for what `{}` cannot hold", column.name);
                    return Err(ViewError::Table { column: column.name.clone(), what });
                }
                fields.push(Arc::new(field(&name, Storage::Text, false)?));
                buffers.push(Buffer::new(Storage::Text, false));
            }
        }
        let schema = Arc::new(Type::group_type_builder("row").with_fields(fields).build()?);
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
        Ok(Self { file, columns: columns.to_vec(), buffers, first, rows: 0 })
    }

    fn write_row_group(&mut self) -> Result<(), ViewError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for buffer in &mut self.buffers {
            if let Some(mut column) = group.next_column()? {
                buffer.write(&mut column)?;
                column.close()?;
            }
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl TableWriter for ParquetTable {
    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ViewError> {
        check_width(cells, self.columns.len())?;
        for ((column, cell), first) in self.columns.iter().zip(cells).zip(&self.first) {
            let (before, after) = self.buffers.split_at_mut(first + 1);
            let (Some(buffer), second) = (before.last_mut(), after.first_mut()) else { continue };
            let error = |what: String| ViewError::Table { column: column.name.clone(), what };
            match second.filter(|_| has_text_column(column)) {
                Some(texts) => push_moment(buffer, texts, column.kind, cell).map_err(error)?,
                None => buffer.push_cell(cell).map_err(error)?,
            }
        }
        self.rows += 1;
        let bytes: usize = self.buffers.iter().map(Buffer::text_bytes).sum();
        if bytes >= ROW_GROUP_BYTES || self.rows == ROW_GROUP_ROWS { self.write_row_group() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), ViewError> {
        self.write_row_group()?;
        self.file.finish()?;
        Ok(self.file.inner_mut().flush()?)
    }
}

/// Stores a date or a dateTime: as a number in its column, or as a text in the one beside it.
fn push_moment(numbers: &mut Buffer, texts: &mut Buffer, kind: Kind, cell: &Cell<'_>) -> Result<(), String> {
    let (Cell::Date(text) | Cell::Instant(text)) = cell else {
        texts.push_null();
        return numbers.push_cell(cell);
    };
    let moment = Moment::parse(text);
    let stored = match (kind, &mut numbers.values) {
        (Kind::Date, Values::Days(days)) => moment.and_then(|m| m.day()).map(|d| days.push(d)),
        (_, Values::Integers(millis)) => moment.and_then(|m| m.millis()).map(|m| millis.push(m)),
        _ => None,
    };
    if stored.is_some() {
        numbers.definition.push(1);
        texts.push_null();
    } else {
        numbers.push_null();
        texts.push_text(text);
        texts.definition.push(1);
    }
    Ok(())
}

impl Buffer {
    fn new(storage: Storage, list: bool) -> Self {
        let values = match storage {
            Storage::Text => Values::Texts(Vec::new(), Vec::new()),
            Storage::Boolean => Values::Booleans(Vec::new()),
            Storage::Integer | Storage::Millis => Values::Integers(Vec::new()),
            Storage::Day => Values::Days(Vec::new()),
            Storage::Decimal => Values::Decimals(Vec::new()),
        };
        Self { list, definition: Vec::new(), repetition: Vec::new(), values }
    }

    fn text_bytes(&self) -> usize {
        match &self.values {
            Values::Texts(bytes, _) => bytes.len(),
            _ => 0,
        }
    }

    fn push_null(&mut self) {
        self.definition.push(0);
        if self.list {
            self.repetition.push(0);
        }
    }

    /// Stores a cell. Definition levels of a list: 0 null, 1 empty, 2 a null in it, 3 a value.
    fn push_cell(&mut self, cell: &Cell<'_>) -> Result<(), String> {
        match cell {
            Cell::Null => self.push_null(),
            Cell::List(cells) if self.list => {
                if cells.is_empty() {
                    self.definition.push(1);
                    self.repetition.push(0);
                }
                for (i, cell) in cells.iter().enumerate() {
                    let definition = if *cell == Cell::Null { 2 } else { 3 };
                    if definition == 3 {
                        self.push_value(cell)?;
                    }
                    self.definition.push(definition);
                    self.repetition.push(i16::from(i > 0));
                }
            }
            _ if self.list => return Err("the column holds lists, and the cell is none".to_owned()),
            _ => {
                self.push_value(cell)?;
                self.definition.push(1);
            }
        }
        Ok(())
    }

    fn push_text(&mut self, text: &str) {
        if let Values::Texts(bytes, ends) = &mut self.values {
            bytes.extend_from_slice(text.as_bytes());
            ends.push(bytes.len());
        }
    }

    fn push_value(&mut self, cell: &Cell<'_>) -> Result<(), String> {
        match (&mut self.values, cell) {
            (Values::Texts(..), Cell::Text(text) | Cell::Date(text) | Cell::Instant(text)) => self.push_text(text),
            (Values::Booleans(values), Cell::Boolean(b)) => values.push(*b),
            (Values::Integers(values), Cell::Integer(n)) => values.push(*n),
            (Values::Integers(values), Cell::Instant(text)) => {
                let millis = Moment::parse(text).and_then(|m| m.millis_cut());
                values.push(millis.ok_or_else(|| format!("`{text}` is no instant"))?);
            }
            (Values::Decimals(values), Cell::Decimal(digits)) => {
                let scaled = Decimal::parse(digits).and_then(|d| d.scaled(SCALE.unsigned_abs()));
                values.push(scaled.ok_or_else(|| format!("{digits} does not fit DECIMAL({PRECISION}, {SCALE})"))?);
            }
            _ => return Err("the cell is not of the kind of its column".to_owned()),
        }
        Ok(())
    }

    /// Hands the column to its encoder, and empties this.
    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> ParquetResult<()> {
        let (definition, repetition) = (std::mem::take(&mut self.definition), std::mem::take(&mut self.repetition));
        let levels = Levels {
            definition: &definition,
            repetition: self.list.then_some(&repetition),
            value: if self.list { 3 } else { 1 },
        };
        match &mut self.values {
            Values::Texts(bytes, ends) => {
                let (bytes, ends) = (ByteArray::from(std::mem::take(bytes)), std::mem::take(ends));
                let text = |i: usize| {
                    let start = if i == 0 { 0 } else { ends[i - 1] };
                    bytes.slice(start, ends[i] - start)
                };
                levels.write::<ByteArrayType>(column, text)
            }
            Values::Booleans(values) => levels.write::<BoolType>(column, |i| values[i]).map(|()| values.clear()),
            Values::Integers(values) => levels.write::<Int64Type>(column, |i| values[i]).map(|()| values.clear()),
            Values::Days(values) => levels.write::<Int32Type>(column, |i| values[i]).map(|()| values.clear()),
            Values::Decimals(values) => {
                let bytes = |i: usize| FixedLenByteArray::from(values[i].to_be_bytes().to_vec());
                levels.write::<FixedLenByteArrayType>(column, bytes).map(|()| values.clear())
            }
        }
    }
}

/// The levels of a column in a row group.
struct Levels<'b> {
    definition: &'b [i16],
    repetition: Option<&'b Vec<i16>>,
    /// The definition level of a value.
    value: i16,
}

impl Levels<'_> {
    /// Writes the values, which `value` gives by their number, in batches that end with a row.
    fn write<T: DataType>(&self, column: &mut SerializedColumnWriter<'_>, value: impl Fn(usize) -> T::T) -> ParquetResult<()> {
        let (mut slot, mut written) = (0, 0);
        let mut batch: Vec<T::T> = Vec::with_capacity(BATCH);
        while slot < self.definition.len() {
            let mut end = (slot + BATCH).min(self.definition.len());
            while self.repetition.is_some_and(|r| r.get(end).is_some_and(|level| *level > 0)) {
                end += 1;
            }
            let count = self.definition[slot..end].iter().filter(|level| **level == self.value).count();
            batch.clear();
            batch.extend((written..written + count).map(&value));
            let repetition = self.repetition.map(|r| &r[slot..end]);
            column.typed::<T>().write_batch(&batch, Some(&self.definition[slot..end]), repetition)?;
            written += count;
            slot = end;
        }
        Ok(())
    }
}

/// The definition of a Parquet column; every one may be null.
fn field(name: &str, storage: Storage, list: bool) -> ParquetResult<Type> {
    if list {
        let element = Arc::new(field("element", storage, false)?);
        let repeated =
            Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![element]).build()?;
        return Type::group_type_builder(name)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(Some(LogicalType::List))
            .with_fields(vec![Arc::new(repeated)])
            .build();
    }
    let (physical, logical) = match storage {
        Storage::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Storage::Boolean => (Physical::BOOLEAN, None),
        Storage::Integer => (Physical::INT64, None),
        Storage::Decimal => (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(SCALE, PRECISION))),
        Storage::Day => (Physical::INT32, Some(LogicalType::Date)),
        Storage::Millis => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
    };
    let mut builder =
        Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL).with_logical_type(logical);
    if storage == Storage::Decimal {
        builder = builder.with_length(DECIMAL_BYTES).with_precision(PRECISION).with_scale(SCALE);
    }
    builder.build()
}
