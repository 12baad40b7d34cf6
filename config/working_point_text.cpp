#include "config/working_point_text.hpp"

namespace tamis::config {

namespace {

models::ThresholdBin threshold_bin_of(const schema::ThresholdBin& text) {
    models::ThresholdBin bin;
    copy_edges(text, bin);
    bin.slope = text.slope();
    bin.offset = text.offset();
    bin.pileup_low = text.pileup_low();
    bin.pileup_high = text.pileup_high();
    if (text.has_offset_low()) {
        bin.offset_low = text.offset_low();
    }
    if (text.has_offset_high()) {
        bin.offset_high = text.offset_high();
    }
    if (text.has_extrapolated()) {
        const schema::Tail& tail = text.extrapolated();
        bin.extrapolated = {tail.above(),       tail.exceedances(), tail.shape(),
                            tail.shape_error(), tail.scale(),       tail.scale_error()};
    }
    return bin;
}

void read_target(const schema::WorkingPoint& text, models::WorkingPoint& point) {
    if (text.has_wanted_fraction()) {
        point.target = models::PointTarget::background_fraction;
        point.wanted = text.wanted_fraction();
    } else if (text.has_wanted_efficiency()) {
        point.target = models::PointTarget::signal_efficiency;
        point.wanted = text.wanted_efficiency();
    } else if (text.has_wanted_rate_hz()) {
        point.target = models::PointTarget::rate;
        point.wanted = text.wanted_rate_hz();
    }
    point.input_rate_hz = text.input_rate_hz();
}

void write_threshold_bin(const models::ThresholdBin& bin, schema::ThresholdBin& text) {
    const models::ThresholdBin any;
    write_edges(bin, text);
    text.set_slope(bin.slope);
    text.set_offset(bin.offset);
    if (bin.pileup_low != any.pileup_low || bin.pileup_high != any.pileup_high) {
        text.set_pileup_low(bin.pileup_low);
        text.set_pileup_high(bin.pileup_high);
    }
    if (bin.offset_low) {
        text.set_offset_low(*bin.offset_low);
    }
    if (bin.offset_high) {
        text.set_offset_high(*bin.offset_high);
    }
    if (bin.extrapolated) {
        schema::Tail& tail = *text.mutable_extrapolated();
        tail.set_above(bin.extrapolated->above);
        tail.set_exceedances(bin.extrapolated->exceedances);
        tail.set_shape(bin.extrapolated->shape);
        tail.set_shape_error(bin.extrapolated->shape_error);
        tail.set_scale(bin.extrapolated->scale);
        tail.set_scale_error(bin.extrapolated->scale_error);
    }
}

void write_target(const models::WorkingPoint& point, schema::WorkingPoint& text) {
    switch (point.target) {
        case models::PointTarget::unstated:
            return;
        case models::PointTarget::background_fraction:
            text.set_wanted_fraction(point.wanted);
            return;
        case models::PointTarget::signal_efficiency:
            text.set_wanted_efficiency(point.wanted);
            return;
        case models::PointTarget::rate:
            text.set_wanted_rate_hz(point.wanted);
            text.set_input_rate_hz(point.input_rate_hz);
            return;
    }
}

}  // namespace

models::WorkingPoint working_point_of(const schema::WorkingPoint& text) {
    models::WorkingPoint point;
    point.name = text.name();
    for (const schema::ThresholdBin& from : text.bin()) {
        point.bins.push_back(threshold_bin_of(from));
    }
    point.mu_low = text.mu_low();
    point.mu_high = text.mu_high();
    point.background_fraction = text.background_fraction();
    point.background_fraction_low = text.background_fraction_low();
    point.background_fraction_high = text.background_fraction_high();
    point.signal_efficiency = text.signal_efficiency();
    point.signal_efficiency_low = text.signal_efficiency_low();
    point.signal_efficiency_high = text.signal_efficiency_high();
    read_target(text, point);
    return point;
}

void write_working_point(const models::WorkingPoint& point, schema::WorkingPoint& text) {
    text.set_name(point.name);
    for (const models::ThresholdBin& from : point.bins) {
        write_threshold_bin(from, *text.add_bin());
    }
    text.set_mu_low(point.mu_low);
    text.set_mu_high(point.mu_high);
    text.set_background_fraction(point.background_fraction);
    text.set_background_fraction_low(point.background_fraction_low);
    text.set_background_fraction_high(point.background_fraction_high);
    text.set_signal_efficiency(point.signal_efficiency);
    if (point.signal_efficiency_high > 0) {
        text.set_signal_efficiency_low(point.signal_efficiency_low);
        text.set_signal_efficiency_high(point.signal_efficiency_high);
    }
    write_target(point, text);
}

}  // namespace tamis::config
